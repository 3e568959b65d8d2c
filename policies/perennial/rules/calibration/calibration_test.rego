package perennial.rules.calibration_test

import data.perennial.example_test as example
import data.perennial.rules.calibration

_findings(question) := answer if {
	answer := calibration.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "calibration"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "calibration"}, rule)), [path])
	some finding in _findings(ruled)
}

test_a_figure_within_its_bounds_passes if _reasons({"measure": "error", "min": 0.03, "max": 0.03}) == set()

test_a_figure_beyond_its_bound_is_told_with_both_numbers if {
	_reasons({"measure": "error", "max": 0.01}) == {concat("", [
		"calibration error 0.03 is above the maximum 0.01, ",
		"by a rule on calibration in production",
	])}
}

test_what_was_not_measured_is_told if {
	reason := "the evidence has no calibration error, by a rule on calibration in production"
	_without("/evidence/examined/calibration", {"measure": "error", "max": 0.03}) == {reason}
}

test_rules_on_other_things_are_not_judged_here if _reasons({"of": "else", "max": 0}) == set()
