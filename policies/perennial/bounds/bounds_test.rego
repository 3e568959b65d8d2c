package perennial.bounds_test

import data.perennial.bounds

_rule := {"of": "size", "mode": "warn", "min": null, "max": 3}

_finding(rule, value) := answer if {
	answer := bounds.finding(rule, "size", value) with input as {"environment": "testing"}
}

_reason(rule, value) := _finding(rule, value).reason

test_within_its_bounds_there_is_no_finding if {
	not _finding(_rule, 3)
	not _finding({"min": 1, "max": 3}, 1)
}

test_a_finding_has_the_mode_of_its_rule if {
	_finding(_rule, 4) == {
		"mode": "warn",
		"reason": "size 4 is above the maximum 3, by a rule on size in testing",
	}
	_finding({"max": 3}, 4).mode == "enforce"
}

test_what_is_no_number_is_missing if {
	every value in [null, "2", true, [], {}] {
		_reason(_rule, value) == "the evidence has no size, by a rule on size in testing"
	}
}

test_a_bound_that_is_no_number_is_kept_by_nothing if {
	_reason({"of": "size", "max": "3"}, 2) == concat("", [
		"size 2 is above the maximum (which is no number), ",
		"by a rule on size in testing",
	])
	_reason({"min": true}, 2) == concat("", [
		"size 2 is below the minimum (which is no number), ",
		"by a rule on nothing in testing",
	])
}
