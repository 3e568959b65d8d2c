package perennial.rollout.checks.complete_test

import data.perennial.rollout.checks.complete
import data.perennial.rollout.example_test as example

_deny(question) := answer if {
	answer := complete.deny with input as question
}

test_a_complete_question_passes if _deny(example.question) == set()

test_a_ruling_passes if _deny(example.changed({"/ruling": example.ruling("bob", "approver")})) == set()

test_nobody_may_have_asked if _deny(example.changed({"/requester": ""})) == set()

test_a_guard_needs_no_step if _deny(example.guard) == set()

test_what_a_step_needs_is_named if {
	_deny(example.without("/next_percent")) == {"next_percent is missing or is not a number from 0 on"}
}

test_a_ruling_that_is_not_mentioned_is_denied if {
	_deny(example.without("/ruling")) == {"ruling is missing; null says that there is none"}
}

test_a_ruling_needs_a_person_a_role_and_a_word if {
	reasons := {
		"ruling.by is missing or is not a name",
		"ruling.evidence_digest is missing or is not a SHA-256 digest",
		"ruling.go_on is missing or is not true or false",
		"ruling.roles is missing or is not a list",
	}
	every ruling in [{}, "yes", true, []] { _deny(example.changed({"/ruling": ruling})) == reasons }
}

test_an_assessment_needs_a_verdict_and_a_reason if {
	reasons := {
		"assessments.slow.reason is missing or is not a sentence",
		"assessments.slow.verdict is missing or is not a verdict",
	}
	every assessment in [{}, "pass", null, {"verdict": "good", "reason": ""}] {
		_deny(example.changed({"/assessments/slow": assessment})) == reasons
	}
}

test_the_wrong_type_is_denied if {
	cases := {
		"/author": "",
		"/champion": null,
		"/environment": "",
		"/kind": "promotion",
		"/model": 4,
		"/next_percent": "25",
		"/now": "soon",
		"/percent": -1,
		"/phase": "leap",
		"/requester": null,
		"/risk_tier": "",
		"/run_id": "",
		"/step": 1.5,
		"/steps": "4",
		"/strategy": null,
		"/verdict": "good",
		"/version": -4,
	}
	every path, value in cases { count(_deny(example.changed({path: value}))) == 1 }
}

test_nothing_at_all_is_denied_throughout if count(_deny({})) == 19
