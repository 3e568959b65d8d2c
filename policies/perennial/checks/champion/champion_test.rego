package perennial.checks.champion_test

import data.perennial.checks.champion
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := champion.deny with input as question
}

_with(roc_auc) := _deny(example.changed("/evidence/metrics/roc_auc", roc_auc))

_minimize(log_loss) := json.patch(example.question, [
	{"op": "replace", "path": "/primary", "value": {"name": "log_loss", "goal": "minimize", "max_regression": 0}},
	{"op": "replace", "path": "/evidence/metrics/log_loss", "value": log_loss},
])

test_a_better_candidate_passes if _deny(example.question) == set()

test_the_first_version_passes if _deny(example.changed("/champion", null)) == set()

test_a_regression_that_is_allowed_passes if _with(0.69) == set()

test_a_worse_candidate_is_denied_with_numbers_and_versions if {
	_with(0.61) == {concat(" ", [
		"roc_auc 0.61 of version 4 is worse than 0.7 of champion version 3 in production",
		"by 0.09, and 0.01 is allowed",
	])}
}

test_rounding_does_not_deny if {
	question := json.patch(example.question, [
		{"op": "replace", "path": "/champion/metrics/roc_auc", "value": 0.3},
		{"op": "replace", "path": "/evidence/metrics/roc_auc", "value": 0.1},
		{"op": "replace", "path": "/primary/max_regression", "value": 0.2},
	])
	_deny(question) == set()
}

test_smaller_is_better_where_the_goal_says_so if {
	_deny(_minimize(0.4)) == set()
	_deny(_minimize(0.42)) == {concat(" ", [
		"log_loss 0.42 of version 4 is worse than 0.41 of champion version 3 in production",
		"by 0.01, and 0 is allowed",
	])}
}

test_a_champion_without_the_metric_is_denied if {
	reason := concat(", ", [
		"champion version 3 has no roc_auc on these rows",
		"so version 4 cannot be compared with it",
	])
	_deny(example.changed("/champion/metrics", {})) == {reason}
	_deny(example.changed("/champion/metrics/roc_auc", "0.1")) == {reason}
	_deny(example.without("/champion/metrics")) == {reason}
}

test_a_candidate_without_the_metric_is_denied if {
	_deny(example.without("/evidence/metrics/roc_auc")) == {"the evidence has no roc_auc, the primary metric"}
}

test_an_unknown_goal_is_denied if count(_deny(example.changed("/primary/goal", "best"))) == 1

test_no_word_on_regression_is_denied if count(_deny(example.without("/primary/max_regression"))) == 1
