package perennial.checks.code_test

import data.perennial.checks.code
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := code.deny with input as question with data.perennial.limits as example.limits
}

_high_risk(patches) := json.patch(
	example.question,
	array.concat([{"op": "replace", "path": "/risk_tier", "value": "high"}], patches),
)

_reason := concat(", ", [
	"the training code was not committed",
	"and high risk needs that in production; commit it and start a new run",
])

test_committed_code_passes if _deny(_high_risk([])) == set()

test_changes_that_were_not_committed_are_denied_at_high_risk if {
	_deny(_high_risk([{"op": "replace", "path": "/evidence/code/dirty", "value": true}])) == {_reason}
	_deny(_high_risk([{"op": "replace", "path": "/evidence/code/dirty", "value": null}])) == {_reason}
	_deny(_high_risk([{"op": "remove", "path": "/evidence/code/dirty"}])) == {_reason}
}

test_code_outside_a_repository_is_denied_at_high_risk if {
	_deny(_high_risk([{"op": "replace", "path": "/evidence/code/git_commit", "value": null}])) == {_reason}
}

test_less_risk_needs_no_commit if _deny(example.changed("/evidence/code/dirty", true)) == set()
