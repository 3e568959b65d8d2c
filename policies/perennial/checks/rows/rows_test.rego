package perennial.checks.rows_test

import data.perennial.checks.rows
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := rows.deny with input as question with data.perennial.limits as example.limits
}

test_enough_rows_pass if {
	_deny(example.question) == set()
	_deny(example.changed("/evidence/test_rows", 100)) == set()
}

test_too_few_rows_are_denied_with_both_numbers if {
	_deny(example.changed("/evidence/test_rows", 99)) == {concat(" ", [
		"99 held-out rows are fewer",
		"than the 100 needed in production",
	])}
}

test_no_count_of_rows_is_denied if count(_deny(example.without("/evidence/test_rows"))) == 1

test_an_environment_without_a_limit_is_denied if count(_deny(example.changed("/environment", "moon"))) == 1
