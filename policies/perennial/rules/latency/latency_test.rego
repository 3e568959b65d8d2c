package perennial.rules.latency_test

import data.perennial.example_test as example
import data.perennial.rules.latency

_findings(question) := answer if {
	answer := latency.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "latency"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "latency"}, rule)), [path])
	some finding in _findings(ruled)
}

test_a_figure_within_its_bounds_passes if _reasons({"measure": "p99_ms_1", "min": 0.2, "max": 0.2}) == set()

test_a_figure_beyond_its_bound_is_told_with_both_numbers if {
	_reasons({"measure": "p99_ms_1", "max": 0.1}) == {concat("", [
		"latency p99_ms_1 0.2 is above the maximum 0.1, ",
		"by a rule on latency in production",
	])}
}

test_what_was_not_measured_is_told if {
	reason := "the evidence has no latency p99_ms_1, by a rule on latency in production"
	_without("/evidence/speed", {"measure": "p99_ms_1", "max": 0.2}) == {reason}
}

test_rules_on_other_things_are_not_judged_here if _reasons({"of": "else", "max": 0}) == set()
