package perennial.rollout.checks.limits_test

import data.perennial.example_test
import data.perennial.rollout.checks.limits
import data.perennial.rollout.example_test as example

_deny(question) := answer if {
	answer := limits.deny with input as question with data.perennial.limits as example_test.limits
}

_first(tier, percent) := _deny(example.changed({
	"/risk_tier": tier,
	"/step": 1,
	"/percent": percent,
	"/next_percent": 100,
}))

test_a_small_start_passes if {
	_first("low", 99.9) == set()
	_first("medium", 50) == set()
	_first("high", 10) == set()
	_first("high", 0) == set()
}

test_a_large_start_is_denied_with_both_numbers if {
	_first("high", 25.5) == {concat(" ", [
		"version 4 starts with 25.5 % of the requests in production,",
		"and 10 % is the most at high risk; give the rollout a smaller first step",
	])}
	count(_first("medium", 50.1)) == 1
}

test_later_steps_may_be_larger if {
	_deny(example.changed({"/risk_tier": "high", "/step": 3, "/percent": 25})) == set()
}

test_the_share_after_a_dark_step_is_a_first_one if {
	dark := {"/risk_tier": "high", "/step": 2, "/percent": 0}
	count(_deny(example.changed(object.union(dark, {"/next_percent": 25})))) == 1
	_deny(example.changed(object.union(dark, {"/next_percent": 10}))) == set()
}

test_all_at_once_is_no_first_share if _first("high", 0.0) == set()

test_a_share_that_is_no_number_is_denied if count(_first("low", "1")) == 1

test_an_unknown_tier_is_denied if {
	_deny(example.changed({"/risk_tier": "extreme"})) == {concat("", [
		"the limit rollout.first_percent.extreme is not set; ",
		"put a number into data.perennial.limits",
	])}
	count(_deny(example.without("/risk_tier"))) == 1
}

test_lost_limits_deny if {
	every lost in [{}, {"rollout": {"first_percent": {"medium": "50"}}}] {
		reasons := limits.deny with input as example.question with data.perennial.limits as lost
		count(reasons) == 1
	}
}

test_a_champion_has_started if _deny(example.guard) == set()
