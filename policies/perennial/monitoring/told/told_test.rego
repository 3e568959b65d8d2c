package perennial.monitoring.told_test

import data.perennial.monitoring.told

_reason := "3 of the last 5 windows say fail"

test_the_newest_window_stands_in_brackets if {
	said := told.seen({"reason": _reason, "newest": "distance: PSI 0.41"})
	said == "3 of the last 5 windows say fail (distance: PSI 0.41)"
}

test_a_newest_window_that_says_nothing_is_left_out if {
	told.seen({"reason": _reason, "newest": ""}) == _reason
	told.seen({"reason": _reason}) == _reason
}
