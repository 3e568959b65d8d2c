package perennial.checks.known_test

import data.perennial.checks.known
import data.perennial.example_test as example

_deny(question, limits) := answer if {
	answer := known.deny with input as question with data.perennial.limits as limits
}

test_known_limits_pass if _deny(example.question, example.limits) == set()

test_an_unknown_environment_is_denied if {
	reasons := _deny(example.changed("/environment", "moon"), example.limits)
	"the limit environments.moon.min_test_rows is not set; put a number into data.perennial.limits" in reasons
	"the limit approvals.required.medium.moon is not set; put a number into data.perennial.limits" in reasons
	count(reasons) == 5
}

test_an_unknown_tier_is_denied if count(_deny(example.changed("/risk_tier", "extreme"), example.limits)) == 3

test_no_environment_is_denied if count(_deny(example.without("/environment"), example.limits)) == 5

test_lost_limits_deny if count(_deny(example.question, {})) == 11

test_a_limit_of_the_wrong_type_denies if {
	reason := "the limit parity.min_batch_sizes is not set; put a number into data.perennial.limits"
	limits := json.patch(example.limits, [{"op": "replace", "path": "/parity/min_batch_sizes", "value": "3"}])
	_deny(example.question, limits) == {reason}
}
