package perennial.monitoring.checks.drift_test

import data.perennial.example_test
import data.perennial.monitoring.checks.drift
import data.perennial.monitoring.example_test as example

_actions(values) := {wish.action |
	some wish in drift.wishes with input as example.changed(values)
		with data.perennial.limits as example_test.limits
}

_watched(verdict, severity) := {"/drift": example.watched(verdict, severity)}

test_what_has_not_moved_is_ignored if {
	_actions({}) == set()
	_actions(_watched("no_data", "none")) == set()
}

test_what_has_moved_is_trained_again_with_the_numbers if {
	wishes := drift.wishes with input as example.changed(_watched("fail", "high"))
		with data.perennial.limits as example_test.limits
	wishes == {{"action": "retrain", "reason": concat(" ", [
		"what version 4 is asked or answers in production has moved (high):",
		"3 of the last 5 windows say fail (distance: PSI 0.41);",
		"train it again on newer rows",
	])}}
	_actions(_watched("fail", "critical")) == {"retrain"}
}

test_where_nothing_is_trained_again_for_it_somebody_is_told if {
	moved := _watched("fail", "critical")
	every causes in [[], ["quality"]] {
		_actions(object.union(moved, {"/retraining": causes})) == {"alert"}
	}
	wishes := drift.wishes with input as example.changed(moved)
		with data.perennial.limits as example.limits("retrain", ["high"])
	{wish.action | some wish in wishes} == {"alert"}
}

test_one_window_alone_is_told_at_high_risk_only if {
	once := _watched("inconclusive", "low")
	_actions(once) == set()
	_actions(object.union(once, {"/risk_tier": "low"})) == set()
	_actions(object.union(once, {"/risk_tier": "high"})) == {"alert"}
}

test_a_column_that_is_gone_is_for_a_person_whatever_the_limits_say if {
	wishes := drift.wishes with input as example.changed(_watched("error", "high"))
		with data.perennial.limits as example.limits("alert", [])
	wishes == {{"action": "alert", "reason": concat(" ", [
		"version 4 is not asked in production as it was trained:",
		"3 of the last 5 windows say error (distance: PSI 0.41);",
		"mend what sends the requests, no retraining helps",
	])}}
}
