package perennial.promotion_test

import data.perennial.example_test as example
import data.perennial.promotion

_decision(question) := answer if {
	answer := promotion.decision with input as question
		with data.perennial.limits as example.limits
		with data.perennial.bundle as {"digest": "abc"}
}

test_a_good_version_is_allowed if {
	_decision(example.question) == {
		"allow": true,
		"deny": [],
		"approvals_required": 1,
		"approvals_missing": 0,
		"policy_digest": "abc",
	}
}

test_a_missing_approval_is_no_denial if {
	_decision(example.changed("/votes", [])) == {
		"allow": false,
		"deny": [],
		"approvals_required": 1,
		"approvals_missing": 1,
		"policy_digest": "abc",
	}
}

test_an_approval_does_not_outweigh_a_denial if {
	decision := _decision(example.changed("/evidence/metrics/roc_auc", 0.61))
	decision.allow == false
	decision.approvals_missing == 0
	decision.deny == [
		"roc_auc 0.61 is below the minimum 0.65 in production",
		concat(" ", [
			"roc_auc 0.61 of version 4 is worse than 0.7 of champion version 3 in production",
			"by 0.09, and 0.01 is allowed",
		]),
	]
}

test_an_empty_question_is_denied if {
	decision := _decision({})
	decision.allow == false
	count(decision.deny) > 30
}

test_a_policy_that_cannot_name_itself_decides_nothing if {
	not promotion.decision with input as example.question
		with data.perennial.limits as example.limits
		with data.perennial.bundle as {}
}

test_every_check_is_there if {
	checks := {name | some name; data.perennial.checks[name].deny}
	checks == {
		"belongs", "champion", "code", "complete", "fresh",
		"known", "parity", "rows", "thresholds", "validation",
	}
}
