package perennial.rollout.checks.ruling_test

import data.perennial.example_test
import data.perennial.rollout.checks.ruling
import data.perennial.rollout.example_test as example

_deny(question) := answer if {
	answer := ruling.deny with input as question with data.perennial.limits as example_test.limits
}

_by(person, role) := _deny(example.changed({"/ruling": example.ruling(person, role)}))

_with(changes) := _deny(example.changed({"/ruling": object.union(example.ruling("bob", "approver"), changes)}))

test_no_ruling_is_fine if _deny(example.question) == set()

test_a_person_who_may_rule_is_heard if {
	_by("bob", "approver") == set()
	_by("eve", "admin") == set()
}

test_a_role_that_may_not_approve_is_denied if {
	reason := concat("", [
		"bob may not rule on version 4: a role of admin or approver is needed; ",
		"ask somebody who has one",
	])
	_by("bob", "engineer") == {reason}
	_with({"roles": "approver"}) == {reason}
	_with({"roles": []}) == {reason}
}

test_no_limits_hear_nobody if {
	question := example.changed({"/ruling": example.ruling("bob", "approver")})
	reasons := ruling.deny with input as question with data.perennial.limits as {}
	count(reasons) == 1
}

test_the_author_is_denied if {
	_by("ada", "admin") == {"ada may not rule on version 4, being its author; ask somebody else"}
}

test_who_asked_for_the_run_is_denied if {
	reason := "rob may not rule on version 4, having asked for its run; ask somebody else"
	_by("rob", "admin") == {reason}
}

test_nobody_is_denied if {
	count(_by(null, "admin")) == 2
	question := json.patch(example.question, [
		{"op": "remove", "path": "/author"},
		{"op": "remove", "path": "/requester"},
		{"op": "replace", "path": "/ruling", "value": example.ruling("bob", "approver")},
	])
	count(_deny(question)) == 2
}

test_a_word_against_it_is_denied_with_the_person if {
	reason := concat("", [
		"bob ruled that version 4 does not go on from step 2 of 4 in production; ",
		"its requests go back to version 3",
	])
	every word in [false, null, "true", 1] { _with({"go_on": word}) == {reason} }
}

test_a_ruling_that_is_none_is_denied if {
	every word in [true, "go on", [], {}] { count(_deny(example.changed({"/ruling": word}))) == 4 }
}

test_a_champion_is_not_ruled_on if {
	question := object.union(
		object.union(example.guard, {"author": "ada", "requester": "rob"}),
		{"ruling": example.ruling("bob", "approver")},
	)
	_deny(question) == {concat("", [
		"bob ruled on champion version 4, which stays or goes by figures alone; ",
		"ask without the ruling",
	])}
	_deny(example.guard) == set()
}
