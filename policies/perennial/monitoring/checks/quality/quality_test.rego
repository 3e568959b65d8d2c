package perennial.monitoring.checks.quality_test

import data.perennial.example_test
import data.perennial.monitoring.checks.quality
import data.perennial.monitoring.example_test as example

_wishes(values) := wishes if {
	wishes := quality.wishes with input as example.changed(values)
		with data.perennial.limits as example_test.limits
}

_actions(values) := {wish.action | some wish in _wishes(values)}

_fails(severity, values) := object.union({"/quality": example.watched("fail", severity)}, values)

test_what_is_as_promised_is_ignored if {
	_actions({}) == set()
	_actions({"/quality": null}) == set()
	_actions({"/quality": example.watched("no_data", "none")}) == set()
}

test_a_new_champion_that_fails_goes_back if {
	_wishes(_fails("high", {"/armed": true})) == {{"action": "roll_back", "reason": concat(" ", [
		"version 4 answers worse in production than promised (high):",
		"3 of the last 5 windows say fail (distance: PSI 0.41);",
		"roll it back to version 3 and look for the cause",
	])}}
	_actions(_fails("critical", {"/armed": true, "/risk_tier": "high"})) == {"roll_back"}
	_actions(_fails("high", {"/armed": true, "/retraining": []})) == {"roll_back"}
}

test_an_old_champion_that_fails_is_trained_again if {
	_actions(_fails("high", {})) == {"retrain"}
	_actions(_fails("critical", {"/risk_tier": "high"})) == {"retrain"}
}

test_one_that_is_not_trained_again_is_told if {
	_actions(_fails("high", {"/retraining": ["drift"]})) == {"alert"}
	_actions(_fails("critical", {"/retraining": []})) == {"alert"}
}

test_without_a_version_to_go_back_to_the_risk_decides if {
	alone := {"/armed": true, "/back_to": null}
	_actions(_fails("critical", object.union(alone, {"/risk_tier": "high"}))) == {"stop_serving"}
	_actions(_fails("critical", {"/back_to": null, "/risk_tier": "high"})) == {"stop_serving"}
	_actions(_fails("high", object.union(alone, {"/risk_tier": "high"}))) == {"retrain"}
	_actions(_fails("critical", object.union(alone, {"/risk_tier": "medium"}))) == {"retrain"}
}

test_who_stops_serving_is_told_why if {
	_wishes(_fails("critical", {"/back_to": null, "/risk_tier": "high"})) == {{
		"action": "stop_serving",
		"reason": concat(" ", [
			"version 4 answers worse in production than promised (critical):",
			"3 of the last 5 windows say fail (distance: PSI 0.41);",
			"there is no version to go back to, and at high risk no answer is better than a wrong one:",
			"stop serving it, and promote one that is right",
		]),
	}}
}

test_no_retraining_learns_what_a_broken_column_says if {
	broken := {"/drift": example.watched("error", "high")}
	_actions(_fails("high", broken)) == {"alert"}
	_actions(_fails("high", object.union(broken, {"/armed": true}))) == {"roll_back"}
}

test_one_window_alone_is_told_at_high_risk_only if {
	once := {"/armed": true, "/quality": example.watched("inconclusive", "low")}
	_actions(once) == set()
	_actions(object.union(once, {"/risk_tier": "high"})) == {"alert"}
}

test_answers_that_cannot_be_measured_are_told if {
	_wishes({"/armed": true, "/quality": example.watched("error", "high")}) == {{
		"action": "alert",
		"reason": concat(" ", [
			"the answers of version 4 in production cannot be measured:",
			"3 of the last 5 windows say error (distance: PSI 0.41);",
			"mend that, until then nobody knows how good they are",
		]),
	}}
}

test_the_limits_say_from_which_severity_on if {
	failing := example.changed(_fails("high", {"/armed": true}))
	later := quality.wishes with input as failing
		with data.perennial.limits as example.limits("roll_back", ["critical"])
	{wish.action | some wish in later} == {"retrain"}
	stopped := quality.wishes with input as json.patch(failing, [{
		"op": "replace",
		"path": "/back_to",
		"value": null,
	}])
		with data.perennial.limits as example.limits("stop_serving", ["high"])
	{wish.action | some wish in stopped} == {"stop_serving"}
}
