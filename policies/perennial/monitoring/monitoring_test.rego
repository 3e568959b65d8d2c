package perennial.monitoring_test

import data.perennial.example_test
import data.perennial.monitoring
import data.perennial.monitoring.example_test as example

_decision(question) := answer if {
	answer := monitoring.decision with input as question
		with data.perennial.limits as example_test.limits
		with data.perennial.bundle as {"digest": "abc"}
}

test_a_window_that_passes_is_ignored if {
	_decision(example.question) == {
		"allow": true,
		"deny": [],
		"approvals_required": 0,
		"approvals_missing": 0,
		"action": "ignore",
		"policy_digest": "abc",
	}
}

test_too_little_data_is_no_reason_to_act if {
	nothing := example.watched("no_data", "none")
	every tier in ["low", "medium", "high"] {
		_decision(example.changed({"/risk_tier": tier, "/drift": nothing, "/quality": nothing})).allow
	}
}

test_the_most_drastic_action_is_taken_and_every_reason_told if {
	decision := _decision(example.changed({
		"/armed": true,
		"/drift": example.watched("fail", "high"),
		"/quality": example.watched("fail", "critical"),
	}))
	decision.allow == false
	decision.action == "roll_back"
	count(decision.deny) == 2
	decision.deny == sort(decision.deny)
}

test_a_dry_run_changes_nothing_in_the_answer if {
	moved := {"/drift": example.watched("fail", "high")}
	decision := _decision(example.changed(moved))
	decision.action == "retrain"
	_decision(example.changed(object.union(moved, {"/dry_run": true}))) == decision
}

test_an_incomplete_question_is_an_alert if {
	every path in object.keys(example.question) {
		decision := _decision(example.without($"/{path}"))
		decision.allow == false
		decision.action == "alert"
		count(decision.deny) > 0
	}
}

test_an_empty_question_is_an_alert if {
	decision := _decision({})
	decision.action == "alert"
	count(decision.deny) > 20
}

test_no_question_is_an_alert if {
	decision := monitoring.decision with data.perennial.bundle as {"digest": "abc"}
	decision.action == "alert"
}

test_a_promotion_is_none_of_its_questions if {
	decision := _decision(example_test.question)
	decision.action == "alert"
	"kind is missing or is not monitoring" in decision.deny
}

test_a_wish_that_nobody_knows_is_an_alert if {
	decision := monitoring.decision with input as example.question
		with data.perennial.limits as example_test.limits
		with data.perennial.monitoring.checks.drift.wishes as {{"action": "pray", "reason": "it is odd"}}
		with data.perennial.bundle as {"digest": "abc"}
	decision.action == "alert"
	decision.deny == ["it is odd"]
}

test_a_policy_that_cannot_name_itself_decides_nothing if {
	not monitoring.decision with input as example.question
		with data.perennial.limits as example_test.limits
		with data.perennial.bundle as {}
}

test_every_check_is_there if {
	checks := {name | some name; data.perennial.monitoring.checks[name].wishes}
	checks == {"complete", "concept", "drift", "limits", "quality"}
}
