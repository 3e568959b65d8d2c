package perennial.rollout.checks.verdict_test

import data.perennial.example_test
import data.perennial.rollout.checks.verdict
import data.perennial.rollout.example_test as example

_deny(question) := answer if {
	answer := verdict.deny with input as question with data.perennial.limits as example_test.limits
}

_seen(word) := _deny(_with(word))

_ruled(word) := _deny(json.patch(_with(word), [_ruling]))

_with(word) := example.changed({
	"/verdict": word,
	"/assessments/slow": example.assessment(word, "slow: 3.00 % of 180 requests"),
})

_ruling := {"op": "replace", "path": "/ruling", "value": example.ruling("bob", "approver")}

_guard(verdict, word) := _deny(object.union(example.guard, {
	"verdict": verdict,
	"assessments": {"slow": example.assessment(word, "slow: 3.00 % of 180 requests")},
}))

test_what_passes_goes_on if _deny(example.question) == set()

test_a_failure_is_denied_with_its_reason if {
	_seen("fail") == {concat("", [
		"version 4 fails slow at 5 % in production, step 2 of 4: slow: 3.00 % of 180 requests; ",
		"send its requests back to version 3 and look for the cause",
	])}
}

test_each_failure_has_its_reason if {
	question := json.patch(_with("fail"), [{
		"op": "replace",
		"path": "/assessments/errors",
		"value": example.assessment("fail", "errors: 9.00 % of 180 requests"),
	}])
	count(_deny(question)) == 2
}

test_what_could_not_be_judged_is_denied if {
	reason := concat("", [
		"version 4 could not be judged by slow at 5 % in production, step 2 of 4 (error): ",
		"slow: 3.00 % of 180 requests; mend that, no ruling stands in for it",
	])
	_seen("error") == {reason}
	_ruled("error") == {reason}
}

test_time_does_not_promote if {
	_seen("no_data") == {concat("", [
		"slow does not decide on version 4 at 5 % in production, step 2 of 4 (no_data): ",
		"slow: 3.00 % of 180 requests; time never promotes: send it more requests, ",
		"or let a person with the role admin or approver rule on it",
	])}
	count(_seen("inconclusive")) == 1
}

test_a_ruling_decides_what_figures_did_not if {
	_ruled("inconclusive") == set()
	_ruled("no_data") == set()
}

test_a_ruling_saves_no_failure if count(_ruled("fail")) == 1

test_a_ruling_that_does_not_say_go_on_decides_nothing if {
	every word in [false, null, "true", 1] {
		ruling := object.union(example.ruling("bob", "approver"), {"go_on": word})
		question := json.patch(_with("no_data"), [{"op": "replace", "path": "/ruling", "value": ruling}])
		count(_deny(question)) == 1
	}
}

test_a_verdict_that_no_assessment_explains_is_denied if {
	_deny(example.changed({"/verdict": "error"})) == {concat("", [
		"the verdict on version 4 at 5 % in production, step 2 of 4 is error, ",
		"and no assessment says why; look at it again",
	])}
	every word in ["fail", "no_data", "inconclusive", null] {
		count(_deny(example.changed({"/verdict": word}))) == 1
	}
	count(_deny(example.without("/verdict"))) == 1
}

test_a_ruling_decides_a_verdict_that_is_none if {
	every word in ["no_data", "inconclusive"] {
		_deny(json.patch(example.changed({"/verdict": word}), [_ruling])) == set()
	}
	every word in ["fail", "error", "good"] {
		count(_deny(json.patch(example.changed({"/verdict": word}), [_ruling]))) == 1
	}
}

test_a_passing_verdict_does_not_hide_an_assessment if {
	every word in ["fail", "error", "inconclusive", "no_data", "good", null] {
		count(_deny(json.patch(_with(word), [{"op": "replace", "path": "/verdict", "value": "pass"}]))) == 1
	}
}

test_an_assessment_that_is_none_is_denied if {
	every assessment in [{}, null, "pass"] {
		count(_deny(example.changed({"/assessments/slow": assessment}))) == 1
	}
}

test_a_champion_stays_whatever_is_not_known if {
	every word in ["pass", "inconclusive", "no_data", "error"] { _guard(word, word) == set() }
	_deny(object.union(example.guard, {"assessments": {}})) == set()
}

test_a_champion_that_fails_goes if {
	_guard("fail", "fail") == {concat("", [
		"champion version 4 fails slow in production: slow: 3.00 % of 180 requests; ",
		"roll it back and look for the cause",
	])}
	_guard("pass", "fail") == _guard("fail", "fail")
}

test_a_ruling_saves_no_champion if {
	question := object.union(example.guard, {
		"verdict": "fail",
		"assessments": {"slow": example.assessment("fail", "slow: 3.00 % of 180 requests")},
		"ruling": example.ruling("bob", "approver"),
	})
	count(_deny(question)) == 1
}

test_a_champion_that_fails_for_no_reason_goes if {
	_guard("fail", "pass") == {concat("", [
		"the verdict on champion version 4 in production is fail, and no assessment says why; ",
		"roll it back and look for the cause",
	])}
}

test_nothing_at_all_is_denied if count(_deny({})) == 1
