package perennial.checks.rules_test

import data.perennial.checks.rules
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := rules.deny with input as question
}

test_a_rule_that_is_judged_passes if _deny(example.ruled({"max": 0.5})) == set()

test_a_rule_on_what_nobody_judges_is_denied if {
	_deny(example.ruled({"of": "luck", "max": 0.5})) == {"a rule is on luck, which no policy judges"}
	_deny(example.changed("/rules", [{}])) == {"a rule is on nothing, which no policy judges"}
	count(_deny(example.changed("/rules", [null]))) == 1
}

test_a_rule_that_is_not_whole_is_denied if {
	reason := "the rule on metric is not whole: it needs measure, column, by and mode"
	every field in ["measure", "column", "by", "mode"] {
		_deny(example.ruled({"max": 0.5, field: null})) == {reason}
	}
}

test_a_rule_without_a_bound_is_denied if {
	reason := "the rule on metric (roc_auc) has neither min nor max as a number"
	_deny(example.ruled({})) == {reason}
	_deny(example.ruled({"min": 0.1, "max": "0.5"})) == {reason}
}
