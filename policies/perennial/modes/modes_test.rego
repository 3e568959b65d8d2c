package perennial.modes_test

import data.perennial.example_test as example
import data.perennial.modes

_counting(wanted, risk_tier, limits) := mode if {
	mode := modes.counting(wanted) with input as example.changed("/risk_tier", risk_tier)
		with data.perennial.limits as limits
}

test_a_spec_may_relax if {
	_counting("warn", "medium", example.limits) == "warn"
	_counting("dry-run", "low", example.limits) == "dry-run"
}

test_what_is_not_clearly_less_is_enforced if {
	every wanted in ["enforce", "off", "", null, true] {
		_counting(wanted, "low", example.limits) == "enforce"
	}
}

test_where_the_limits_say_so_all_is_enforced if _counting("warn", "high", example.limits) == "enforce"

test_limits_that_do_not_say_relax_nothing if {
	_counting("warn", "extreme", example.limits) == "enforce"
	_counting("warn", "low", {}) == "enforce"
	_counting("warn", "low", {"modes": {"enforced": {"low": "none"}}}) == "enforce"
}
