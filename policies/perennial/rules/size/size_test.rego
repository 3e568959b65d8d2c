package perennial.rules.size_test

import data.perennial.example_test as example
import data.perennial.rules.size

_findings(question) := answer if {
	answer := size.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "size"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "size"}, rule)), [path])
	some finding in _findings(ruled)
}

test_a_figure_within_its_bounds_passes if _reasons({"measure": "megabytes", "min": 0.5, "max": 0.5}) == set()

test_a_figure_beyond_its_bound_is_told_with_both_numbers if {
	_reasons({"measure": "megabytes", "max": 0.1}) == {concat("", [
		"ONNX size megabytes 0.5 is above the maximum 0.1, ",
		"by a rule on size in production",
	])}
}

test_what_was_not_measured_is_told if {
	reason := "the evidence has no ONNX size megabytes, by a rule on size in production"
	_without("/evidence/megabytes", {"measure": "megabytes", "max": 0.5}) == {reason}
}

test_rules_on_other_things_are_not_judged_here if _reasons({"of": "else", "max": 0}) == set()
