package perennial.monitoring.checks.concept_test

import data.perennial.example_test
import data.perennial.monitoring.checks.concept
import data.perennial.monitoring.example_test as example

_wishes(values) := wishes if {
	wishes := concept.wishes with input as example.changed(values)
		with data.perennial.limits as example_test.limits
}

_actions(values) := {wish.action | some wish in _wishes(values)}

_grows(severity, values) := object.union({"/concept": example.watched("fail", severity)}, values)

test_errors_that_have_not_grown_are_ignored if {
	_actions({}) == set()
	_actions({"/concept": null}) == set()
	_actions({"/concept": example.watched("pass", "none")}) == set()
	_actions({"/concept": example.watched("no_data", "none")}) == set()
}

test_errors_that_have_grown_are_trained_away_with_the_numbers if {
	_wishes(_grows("high", {})) == {{"action": "retrain", "reason": concat(" ", [
		"version 4 errs more in production than when it began (high):",
		"3 of the last 5 windows say fail (distance: PSI 0.41);",
		"train it again on newer rows",
	])}}
}

test_a_new_champion_does_not_go_back_for_them if {
	_actions(_grows("critical", {"/armed": true})) == {"retrain"}
	_actions(_grows("critical", {"/risk_tier": "high", "/back_to": null})) == {"retrain"}
}

test_one_that_is_not_trained_again_for_quality_is_told if {
	every causes in [[], ["drift"]] {
		_wishes(_grows("high", {"/retraining": causes})) == {{"action": "alert", "reason": concat(" ", [
			"version 4 errs more in production than when it began (high):",
			"3 of the last 5 windows say fail (distance: PSI 0.41);",
			"look for what is true now and was not, and train it again on newer rows",
		])}}
	}
}

test_no_retraining_learns_what_a_broken_column_says if {
	_actions(_grows("high", {"/drift": example.watched("error", "high")})) == {"alert"}
}

test_one_window_alone_is_told_at_high_risk_only if {
	once := {"/concept": example.watched("inconclusive", "low")}
	_actions(once) == set()
	_actions(object.union(once, {"/risk_tier": "high"})) == {"alert"}
}

test_the_limits_say_from_which_severity_on if {
	wishes := concept.wishes with input as example.changed(_grows("high", {}))
		with data.perennial.limits as example.limits("retrain", ["critical"])
	{wish.action | some wish in wishes} == {"alert"}
}
