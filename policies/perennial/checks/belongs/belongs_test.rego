package perennial.checks.belongs_test

import data.perennial.checks.belongs
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := belongs.deny with input as question
}

test_evidence_of_the_version_passes if _deny(example.question) == set()

test_evidence_of_another_version_is_denied if {
	_deny(example.changed("/evidence/version", 3)) == {"the evidence is of version 3, not of version 4"}
}

test_evidence_of_another_model_is_denied if {
	_deny(example.changed("/evidence/model", "digits")) == {"the evidence is of model digits, not of flights"}
}

test_metrics_of_another_champion_are_denied if {
	reason := "the metrics of champion version 3 are not those in the evidence"
	_deny(example.changed("/champion/metrics/roc_auc", 0.6)) == {reason}
	_deny(example.without("/evidence/champions/3")) == {reason}
	_deny(example.changed("/champion/version", 2)) == {"the metrics of champion version 2 are not those in the evidence"}
}

test_no_champion_needs_no_metrics if _deny(example.changed("/champion", null)) == set()

test_evidence_of_nothing_is_denied if {
	count(_deny(example.without("/evidence"))) == 3
	count(_deny({})) == 2
}
