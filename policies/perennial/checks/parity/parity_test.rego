package perennial.checks.parity_test

import data.perennial.checks.parity
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := parity.deny with input as question with data.perennial.limits as example.limits
}

_with(field, value) := _deny(example.changed(sprintf("/evidence/parity/%s", [field]), value))

_differs := concat(" ", [
	"the ONNX file answers differently from the trained model:",
	"by 0.0000001, and 0.0001 is tolerated",
])

test_parity_passes if _deny(example.question) == set()

test_failed_parity_is_denied if {
	_with("passed", false) == {_differs}
	_with("passed", "true") == {_differs}
	_deny(example.without("/evidence/parity/passed")) == {_differs}
}

test_a_difference_beyond_the_tolerance_is_denied_though_it_says_passed if {
	_with("max_abs_diff", 0.5) == {concat(" ", [
		"the ONNX file answers differently from the trained model:",
		"by 0.5, and 0.0001 is tolerated",
	])}
}

test_a_lax_tolerance_is_denied if {
	_with("tolerance", 0.1) == {concat(", ", [
		"ONNX parity was measured with the tolerance 0.1",
		"and production allows 0.001",
	])}
}

test_too_few_batch_sizes_are_denied if {
	_with("batch_sizes", [1, 7, 7]) == {concat(", ", [
		"ONNX parity was measured on the batch sizes [1, 7, 7]",
		"and 3 different ones are needed",
	])}
}

test_what_is_no_size_does_not_count if count(_with("batch_sizes", [1, 7, null, 0])) == 1

test_a_batch_of_one_is_needed if {
	_with("batch_sizes", [2, 7, 64]) == {"ONNX parity was not measured on the batch size 1"}
}

test_no_parity_is_denied_throughout if count(_deny(example.without("/evidence/parity"))) == 4
