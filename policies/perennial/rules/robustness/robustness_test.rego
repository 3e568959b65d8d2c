package perennial.rules.robustness_test

import data.perennial.example_test as example
import data.perennial.rules.robustness

_findings(question) := answer if {
	answer := robustness.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "robustness"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "robustness"}, rule)), [path])
	some finding in _findings(ruled)
}

test_a_figure_within_its_bounds_passes if _reasons({"measure": "noise", "min": 0.01, "max": 0.01}) == set()

test_a_figure_beyond_its_bound_is_told_with_both_numbers if {
	_reasons({"measure": "noise", "max": 0.005}) == {concat("", [
		"drop of roc_auc under noise 0.01 is above the maximum 0.005, ",
		"by a rule on robustness in production",
	])}
}

test_what_was_not_measured_is_told if {
	reason := "the evidence has no drop of roc_auc under noise, by a rule on robustness in production"
	_without("/evidence/examined/robustness", {"measure": "noise", "max": 0.01}) == {reason}
}

test_rules_on_other_things_are_not_judged_here if _reasons({"of": "else", "max": 0}) == set()
