package perennial.rules.slice_test

import data.perennial.example_test as example
import data.perennial.rules.slice

_findings(question) := answer if {
	answer := slice.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "slice"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "slice"}, rule)), [path])
	some finding in _findings(ruled)
}

_rule := {"measure": "roc_auc", "column": "sex"}

test_groups_that_are_served_well_pass_and_small_ones_are_not_judged if {
	_reasons(object.union(_rule, {"min": 0.6})) == set()
}

test_a_group_that_is_served_worse_is_named_with_its_rows_and_numbers if {
	_reasons(object.union(_rule, {"min": 0.65})) == {concat("", [
		"roc_auc of sex=M (70 rows) 0.61 is below the minimum 0.65, ",
		"by a rule on slice in production",
	])}
}

test_a_group_without_the_metric_is_told if {
	reason := concat("", [
		"the evidence has no roc_auc of sex=M (70 rows), ",
		"by a rule on slice in production",
	])
	_without("/evidence/examined/groups/sex/groups/1/metrics", object.union(_rule, {"min": 0.6})) == {reason}
}

test_its_whole_interval_is_judged_where_the_rule_says_so if {
	rule := object.union(_rule, {"by": "interval"})
	_reasons(object.union(rule, {"min": 0.52, "max": 0.79})) == set()
	_reasons(object.union(rule, {"min": 0.6})) == {concat("", [
		"interval of roc_auc of sex=M (70 rows) 0.52 is below the minimum 0.6, ",
		"by a rule on slice in production",
	])}
	reason := concat("", [
		"the evidence has no interval of roc_auc of sex=F (120 rows), ",
		"by a rule on slice in production",
	])
	_without("/evidence/examined/groups/sex/groups/0/intervals", object.union(rule, {"min": 0.5})) == {reason}
}

test_a_group_that_is_none_is_told if {
	question := json.patch(
		example.ruled(object.union({"of": "slice"}, object.union(_rule, {"min": 0.6}))),
		[{"op": "replace", "path": "/evidence/examined/groups/sex/groups", "value": [null]}],
	)
	count(_findings(question)) == 1
}

test_a_group_of_which_it_is_not_said_is_judged if {
	path := "/evidence/examined/groups/sex/groups/2/judged"
	count(_without(path, object.union(_rule, {"min": 0.6}))) == 1
}

test_a_column_without_a_group_to_judge_is_told if {
	reason := concat("", [
		"of the groups of sex none has enough rows to be judged, ",
		"and a rule on slice wants roc_auc of each in production",
	])
	rule := object.union(_rule, {"min": 0.6})
	_without("/evidence/examined", rule) == {reason}
	_without("/evidence/examined/groups/sex", rule) == {reason}
}
