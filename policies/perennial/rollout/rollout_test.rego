package perennial.rollout_test

import data.perennial.example_test
import data.perennial.rollout
import data.perennial.rollout.example_test as example

_decision(question) := answer if {
	answer := rollout.decision with input as question
		with data.perennial.limits as example_test.limits
		with data.perennial.bundle as {"digest": "abc"}
}

test_a_version_that_passes_goes_on if {
	_decision(example.question) == {
		"allow": true,
		"deny": [],
		"approvals_required": 0,
		"approvals_missing": 0,
		"policy_digest": "abc",
	}
}

test_a_champion_that_does_not_fail_stays if _decision(example.guard).allow

test_a_ruling_does_not_outweigh_a_failure if {
	decision := _decision(example.changed({
		"/verdict": "fail",
		"/assessments/errors": example.assessment("fail", "errors: 9.00 % of 1,000 requests"),
		"/ruling": example.ruling("bob", "approver"),
	}))
	decision.allow == false
	decision.deny == [concat(" ", [
		"version 4 fails errors at 5 % in production, step 2 of 4:",
		"errors: 9.00 % of 1,000 requests;",
		"send its requests back to version 3 and look for the cause",
	])]
}

test_reasons_are_sorted if {
	deny := _decision(example.changed({"/percent": 50, "/step": 5})).deny
	count(deny) == 2
	deny == sort(deny)
}

test_an_empty_question_is_denied if {
	decision := _decision({})
	decision.allow == false
	count(decision.deny) > 20
}

test_no_question_is_denied if {
	decision := rollout.decision with data.perennial.bundle as {"digest": "abc"}
	decision.allow == false
}

test_a_promotion_is_none_of_its_questions if {
	decision := _decision(example_test.question)
	decision.allow == false
	"kind is missing or is not rollout" in decision.deny
}

test_a_policy_that_cannot_name_itself_decides_nothing if {
	not rollout.decision with input as example.question
		with data.perennial.limits as example_test.limits
		with data.perennial.bundle as {}
}

test_every_check_is_there if {
	checks := {name | some name; data.perennial.rollout.checks[name].deny}
	checks == {"complete", "limits", "ruling", "steps", "verdict"}
}
