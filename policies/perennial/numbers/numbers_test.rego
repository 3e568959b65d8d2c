package perennial.numbers_test

import data.perennial.numbers

test_at_least_holds_from_the_bound_on if {
	numbers.at_least(0.65, 0.65)
	numbers.at_least(1, 0.65)
	not numbers.at_least(0.64, 0.65)
}

test_at_most_holds_up_to_the_bound if {
	numbers.at_most(0.65, 0.65)
	not numbers.at_most(0.66, 0.65)
}

test_what_is_not_a_number_is_never_within_bounds if {
	every value in [null, false, true, "0.7", [], {}] {
		not numbers.at_least(value, 0)
		not numbers.at_most(value, 1000)
		not numbers.at_least(1000, value)
		not numbers.at_most(0, value)
	}
}

test_numbers_are_shown_short if {
	numbers.shown(0.6134285714285714) == "0.613429"
	numbers.shown(-1.5) == "-1.5"
	numbers.shown(200) == "200"
	numbers.shown(0) == "0"
	numbers.shown(0.0) == "0"
}

test_tiny_numbers_keep_their_digits if numbers.shown(0.00001234567) == "0.00001234567"
