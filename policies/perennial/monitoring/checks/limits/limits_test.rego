package perennial.monitoring.checks.limits_test

import data.perennial.example_test
import data.perennial.monitoring.checks.limits
import data.perennial.monitoring.example_test as example

_wishes(question) := wishes if {
	wishes := limits.wishes with input as question
		with data.perennial.limits as example_test.limits
}

test_known_limits_are_enough if _wishes(example.question) == set()

test_a_tier_without_limits_is_told if {
	wishes := _wishes(example.changed({"/risk_tier": "extreme"}))
	count(wishes) == 4
	{"action": "alert", "reason": concat(" ", [
		"the limit monitoring.retrain.extreme is not set;",
		"put a list of severities into data.perennial.limits",
	])} in wishes
}

test_limits_of_before_monitoring_are_told if {
	wishes := limits.wishes with input as example.question
		with data.perennial.limits as json.remove(example_test.limits, ["/monitoring"])
	count(wishes) == 4
}

test_a_limit_that_is_no_list_is_none if {
	wishes := limits.wishes with input as example.question
		with data.perennial.limits as example.limits("alert", "high")
	count(wishes) == 1
}

test_no_tier_is_told if count(_wishes(example.without("/risk_tier"))) == 4
