package perennial.checks.thresholds_test

import data.perennial.checks.thresholds
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := thresholds.deny with input as question with data.perennial.limits as example.limits
}

_with_thresholds(list) := _deny(example.changed("/thresholds", list))

_with_roc_auc(value) := _deny(example.changed("/evidence/metrics/roc_auc", value))

test_metrics_within_bounds_pass if _deny(example.question) == set()

test_a_metric_at_its_bound_passes if _with_roc_auc(0.65) == set()

test_a_metric_below_its_minimum_is_denied_with_both_numbers if {
	_with_roc_auc(0.61) == {"roc_auc 0.61 is below the minimum 0.65 in production"}
}

test_a_metric_above_its_maximum_is_denied_with_both_numbers if {
	bounds := [{"metric": "log_loss", "min": null, "max": 0.3}]
	_with_thresholds(bounds) == {"log_loss 0.4 is above the maximum 0.3 in production"}
}

test_every_broken_bound_is_told if {
	bounds := [{"metric": "roc_auc", "min": 0.8}, {"metric": "log_loss", "min": 0.1, "max": 0.3}]
	count(_with_thresholds(bounds)) == 2
}

test_a_metric_that_is_missing_is_denied if {
	reason := "the evidence has no roc_auc, which has a threshold in production"
	_deny(example.without("/evidence/metrics/roc_auc")) == {reason}
	_with_roc_auc("0.9") == {reason}
	_with_roc_auc(null) == {reason}
}

test_a_threshold_without_a_bound_is_denied if {
	reason := "the threshold on roc_auc has neither min nor max as a number"
	_with_thresholds([{"metric": "roc_auc"}]) == {reason}
	_with_thresholds([{"metric": "roc_auc", "min": null, "max": null}]) == {reason}
	_with_thresholds([{"metric": "roc_auc", "min": "0.1", "max": 0.9}]) == {reason}
}

test_a_threshold_on_nothing_is_denied if {
	reasons := _with_thresholds([{"min": 0.1}])
	"a threshold names no metric" in reasons
	"a threshold names no metric" in _with_thresholds([null])
}

test_no_thresholds_is_fine_where_none_is_needed if _with_thresholds([]) == set()

test_high_risk_needs_a_threshold_on_the_primary_metric if {
	question := json.patch(example.question, [
		{"op": "replace", "path": "/risk_tier", "value": "high"},
		{"op": "replace", "path": "/thresholds", "value": [{"metric": "log_loss", "max": 0.5}]},
	])
	_deny(question) == {concat(", ", [
		"roc_auc has no threshold",
		"and high risk needs one in production; add it to the model spec",
	])}
	_deny(example.changed("/risk_tier", "high")) == set()
}
