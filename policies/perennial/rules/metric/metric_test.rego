package perennial.rules.metric_test

import data.perennial.example_test as example
import data.perennial.rules.metric

_findings(question) := answer if {
	answer := metric.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "metric"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "metric"}, rule)), [path])
	some finding in _findings(ruled)
}

test_a_metric_within_its_bounds_passes if {
	_reasons({"measure": "roc_auc", "min": 0.72, "max": 0.72}) == set()
}

test_a_metric_beyond_its_bound_is_told_with_both_numbers if {
	_reasons({"measure": "log_loss", "max": 0.3}) == {concat("", [
		"log_loss 0.4 is above the maximum 0.3, ",
		"by a rule on metric in production",
	])}
	_reasons({"measure": "roc_auc", "min": 0.8}) == {concat("", [
		"roc_auc 0.72 is below the minimum 0.8, ",
		"by a rule on metric in production",
	])}
}

test_its_whole_interval_is_judged_where_the_rule_says_so if {
	_reasons({"measure": "roc_auc", "by": "interval", "min": 0.68, "max": 0.76}) == set()
	_reasons({"measure": "roc_auc", "by": "interval", "min": 0.7}) == {concat("", [
		"interval of roc_auc 0.68 is below the minimum 0.7, ",
		"by a rule on metric in production",
	])}
	count(_reasons({"measure": "roc_auc", "by": "interval", "max": 0.75})) == 1
}

test_what_was_not_measured_is_told if {
	reason := "the evidence has no roc_auc, by a rule on metric in production"
	_without("/evidence/metrics/roc_auc", {"measure": "roc_auc", "min": 0}) == {reason}
	rule := {"measure": "roc_auc", "by": "interval", "min": 0}
	_without("/evidence/examined", rule) == {concat("", [
		"the evidence has no interval of roc_auc, ",
		"by a rule on metric in production",
	])}
}
