package perennial.rollout.checks.steps_test

import data.perennial.rollout.checks.steps
import data.perennial.rollout.example_test as example

_deny(question) := answer if {
	answer := steps.deny with input as question
}

_dark := {"/percent": 0.0, "/next_percent": 100.0, "/step": 1, "/steps": 1}

test_a_step_of_the_rollout_passes if _deny(example.question) == set()

test_the_last_step_leads_to_all if _deny(example.changed({"/step": 4, "/next_percent": 100})) == set()

test_a_share_may_be_kept if _deny(example.changed({"/next_percent": 5})) == set()

test_a_step_that_there_is_not_is_denied if {
	every step in [0, 5, null, "2"] { count(_deny(example.changed({"/step": step}))) == 1 }
	_deny(example.changed({"/step": 5})) == {concat(" ", [
		"step 5 of version 4 is not one of its steps 1 to 4;",
		"ask about the step that it is at",
	])}
	count(_deny(example.without("/steps"))) == 1
}

test_a_smaller_share_is_denied_with_both if {
	_deny(example.changed({"/next_percent": 1})) == {concat(" ", [
		"version 4 has 5 % of the requests and would have 1 % next;",
		"a rollout does not shrink: call it off instead",
	])}
	count(_deny(example.without("/percent"))) == 1
}

test_more_than_all_requests_are_denied if {
	_deny(example.changed({"/next_percent": 120})) == {concat(" ", [
		"version 4 would have 120 % of the requests next;",
		"put 100 % at most into the rollout's steps",
	])}
	count(_deny(example.without("/next_percent"))) == 2
}

test_a_canary_without_a_guardrail_is_denied if {
	reason := concat(" ", [
		"version 4 has 5 % of the requests in production and no guardrail judges them;",
		"put one of errors, slow, answers and quality into the rollout's guardrails",
	])
	others := {
		"served": example.assessment("pass", "served by 2 of 2 processes"),
		"split": example.assessment("pass", "divided as meant"),
	}
	_deny(example.changed({"/assessments": others})) == {reason}
	_deny(example.changed({"/assessments": {}})) == {reason}
	_deny(example.without("/assessments")) == {reason}
}

test_a_dark_version_needs_only_to_be_served if {
	served := {"served": example.assessment("pass", "served by 2 of 2 processes")}
	_deny(example.changed(object.union(_dark, {"/assessments": served}))) == set()
}

test_a_dark_version_that_nobody_saw_served_is_denied if {
	_deny(example.changed(_dark)) == {concat(" ", [
		"nobody saw whether version 4 is served in production:",
		"there is no assessment served; look whether every process has loaded it",
	])}
}

test_a_champion_is_at_no_step if _deny(example.guard) == set()

test_nothing_at_all_is_denied if count(_deny({})) == 4
