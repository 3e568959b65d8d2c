package perennial.rules.parity_test

import data.perennial.example_test as example
import data.perennial.rules.parity

_findings(question) := answer if {
	answer := parity.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "parity"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "parity"}, rule)), [path])
	some finding in _findings(ruled)
}

test_a_file_that_is_close_passes if {
	_reasons({"measure": "flips", "max": 0}) == set()
	_reasons({"measure": "max_abs_diff", "max": 0.000001}) == set()
}

test_a_file_that_is_not_close_enough_is_told_with_both_numbers if {
	_reasons({"measure": "max_abs_diff", "max": 0.00000001}) == {concat("", [
		"ONNX parity max_abs_diff 0.0000001 is above the maximum 0.00000001, ",
		"by a rule on parity in production",
	])}
}

test_flips_that_were_not_counted_are_told if {
	reason := "the evidence has no ONNX parity flips, by a rule on parity in production"
	_without("/evidence/parity/flips", {"measure": "flips", "max": 5}) == {reason}
}
