package perennial.checks.validation_test

import data.perennial.checks.validation
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := validation.deny with input as question
}

test_valid_data_passes if _deny(example.question) == set()

test_broken_checks_are_told if {
	violations := [{"message": "3 rows have no label"}, {"message": "distance is negative in 1 row"}]
	value := {"passed": false, "checks": 2, "violations": violations}
	_deny(example.changed("/evidence/validation", value)) == {concat(" ", [
		"the data did not pass validation:",
		"3 rows have no label; distance is negative in 1 row",
	])}
}

test_a_failure_without_details_is_denied if {
	_deny(example.changed("/evidence/validation/passed", false)) == {"the data did not pass validation: no details"}
}

test_validation_that_checked_nothing_is_denied if {
	_deny(example.changed("/evidence/validation/checks", 0)) == {"the data was not checked: validation ran no check"}
}

test_no_validation_is_denied if count(_deny(example.without("/evidence/validation"))) == 2
