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
		"warnings": [],
		"dry_run": [],
		"approvals_required": 1,
		"approvals_missing": 0,
		"policy_digest": "abc",
	}
}

test_a_missing_approval_is_no_denial if {
	_decision(example.changed("/votes", [])) == {
		"allow": false,
		"deny": [],
		"warnings": [],
		"dry_run": [],
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

_fair := {"of": "fairness", "measure": "equalized_odds_difference", "column": "sex", "max": 0.1}

_unfair := concat("", [
	"equalized_odds_difference between the groups of sex 0.18 is above the maximum 0.1, ",
	"by a rule on fairness in production",
])

test_a_broken_rule_denies_warns_or_is_only_told_by_its_mode if {
	decisions := {mode: decision |
		some mode in ["enforce", "warn", "dry-run", "never"]
		decision := _decision(example.ruled(object.union(_fair, {"mode": mode})))
	}
	decisions.enforce.deny == [_unfair]
	decisions.enforce.allow == false
	decisions.warn.allow == true
	decisions.warn.warnings == [_unfair]
	decisions["dry-run"].allow == true
	decisions["dry-run"].dry_run == [_unfair]
	decisions["dry-run"].warnings == []
	_unfair in decisions.never.deny
}

test_high_risk_relaxes_nothing_in_production if {
	question := json.patch(
		example.ruled(object.union(_fair, {"mode": "warn"})),
		[{"op": "replace", "path": "/risk_tier", "value": "high"}],
	)
	_decision(question).deny == [_unfair]
}

_worse_than_allowed(modes) := _decision(json.patch(example.question, [
	{"op": "replace", "path": "/modes", "value": modes},
	{"op": "replace", "path": "/evidence/metrics/roc_auc", "value": 0.66},
]))

test_a_check_of_the_platform_warns_where_the_spec_may_say_so if {
	warned := _worse_than_allowed({"champion": "warn"})
	warned.allow == true
	count(warned.warnings) == 1
	_worse_than_allowed({}).allow == false
	_worse_than_allowed({"champion": "off"}).allow == false
}

test_no_other_check_can_be_relaxed if {
	question := json.patch(example.question, [
		{"op": "add", "path": "/modes/rows", "value": "dry-run"},
		{"op": "replace", "path": "/evidence/test_rows", "value": 1},
	])
	_decision(question).allow == false
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
		"known", "parity", "rows", "rules", "thresholds", "validation",
	}
	subjects := {name | some name; data.perennial.rules[name].findings}
	subjects == {
		"calibration", "champion", "dependencies", "fairness", "freshness", "latency",
		"metric", "opset", "parity", "robustness", "size", "slice",
	}
}
