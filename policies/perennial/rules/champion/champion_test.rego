package perennial.rules.champion_test

import data.perennial.example_test as example
import data.perennial.rules.champion

_findings(question) := answer if {
	answer := champion.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "champion"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "champion"}, rule)), [path])
	some finding in _findings(ruled)
}

test_a_candidate_that_is_better_passes if {
	_reasons({"measure": "difference", "min": 0}) == set()
	_reasons({"measure": "probability_better", "min": 0.9}) == set()
}

test_one_that_is_not_better_enough_is_told_with_version_and_numbers if {
	_reasons({"measure": "probability_better", "min": 0.95}) == {concat("", [
		"probability_better of roc_auc over champion version 3 0.94 is below the minimum 0.95, ",
		"by a rule on champion in production",
	])}
}

test_its_whole_interval_is_judged_where_the_rule_says_so if {
	_reasons({"measure": "difference", "by": "interval", "min": -0.01}) == set()
	_reasons({"measure": "difference", "by": "interval", "min": 0}) == {concat("", [
		"interval of difference of roc_auc over champion version 3 -0.005 is below the minimum 0, ",
		"by a rule on champion in production",
	])}
}

test_the_first_version_has_nothing_to_be_compared_with if {
	question := json.patch(
		example.ruled({"of": "champion", "measure": "difference", "min": 0}),
		[{"op": "replace", "path": "/champion", "value": null}],
	)
	_findings(question) == set()
}

test_a_champion_that_was_not_compared_is_told if {
	reason := concat("", [
		"the evidence has no difference of roc_auc over champion version 3, ",
		"by a rule on champion in production",
	])
	_without("/evidence/examined/paired/3", {"measure": "difference", "min": -1}) == {reason}
	_without("/evidence/examined", {"measure": "difference", "min": -1}) == {reason}
}
