package perennial.rules.fairness_test

import data.perennial.example_test as example
import data.perennial.rules.fairness

_findings(question) := answer if {
	answer := fairness.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "fairness"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "fairness"}, rule)), [path])
	some finding in _findings(ruled)
}

_rule := {"measure": "equalized_odds_difference", "column": "sex"}

test_groups_that_are_alike_enough_pass if _reasons(object.union(_rule, {"max": 0.2})) == set()

test_groups_that_are_too_far_apart_are_told_with_column_and_numbers if {
	_reasons(object.union(_rule, {"max": 0.1})) == {concat("", [
		"equalized_odds_difference between the groups of sex 0.18 is above the maximum 0.1, ",
		"by a rule on fairness in production",
	])}
}

test_its_whole_interval_is_judged_where_the_rule_says_so if {
	rule := object.union(_rule, {"by": "interval"})
	_reasons(object.union(rule, {"max": 0.31})) == set()
	_reasons(object.union(rule, {"max": 0.2})) == {concat("", [
		"interval of equalized_odds_difference between the groups of sex 0.31 is above the maximum 0.2, ",
		"by a rule on fairness in production",
	])}
	count(_without("/evidence/examined/groups/sex/intervals", object.union(rule, {"max": 0.31}))) == 1
}

test_groups_that_could_not_be_compared_are_told if {
	reason := concat("", [
		"the evidence has no equalized_odds_difference between the groups of sex, ",
		"by a rule on fairness in production",
	])
	rule := object.union(_rule, {"max": 0.2})
	_without("/evidence/examined", rule) == {reason}
	_without("/evidence/examined/groups/sex", rule) == {reason}
	_without("/evidence/examined/groups/sex/fairness/equalized_odds_difference", rule) == {reason}
}
