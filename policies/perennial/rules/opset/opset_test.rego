package perennial.rules.opset_test

import data.perennial.example_test as example
import data.perennial.rules.opset

_findings(question) := answer if {
	answer := opset.findings with input as question
}

_ruled(rule) := example.ruled(object.union({"of": "opset", "measure": "version"}, rule))

_reasons(rule) := {finding.reason | some finding in _findings(_ruled(rule))}

test_a_version_within_its_bounds_passes if _reasons({"min": 18, "max": 20}) == set()

test_a_version_beyond_its_bound_is_told_with_both_numbers if {
	_reasons({"max": 17}) == {"ONNX opset version 20 is above the maximum 17, by a rule on opset in production"}
	_reasons({"min": 21}) == {"ONNX opset version 20 is below the minimum 21, by a rule on opset in production"}
}

test_a_version_that_is_not_known_is_told if {
	reason := "the evidence has no ONNX opset version, by a rule on opset in production"
	changes := [
		{"op": "remove", "path": "/evidence/opset"},
		{"op": "replace", "path": "/evidence/opset", "value": 0},
		{"op": "replace", "path": "/evidence/opset", "value": "20"},
	]
	every change in changes {
		{finding.reason | some finding in _findings(json.patch(_ruled({"max": 20}), [change]))} == {reason}
	}
}

test_rules_on_other_things_are_not_judged_here if _reasons({"of": "else", "max": 0}) == set()
