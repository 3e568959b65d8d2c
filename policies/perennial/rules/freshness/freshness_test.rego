package perennial.rules.freshness_test

import data.perennial.example_test as example
import data.perennial.rules.freshness

_findings(question) := answer if {
	answer := freshness.findings with input as question
}

_reasons(rule) := {finding.reason | some finding in _findings(example.ruled(object.union({"of": "freshness"}, rule)))}

_without(path, rule) := {finding.reason |
	ruled := json.remove(example.ruled(object.union({"of": "freshness"}, rule)), [path])
	some finding in _findings(ruled)
}

test_evidence_that_is_young_enough_passes if _reasons({"measure": "age_days", "max": 1}) == set()

test_evidence_that_is_too_old_is_told_with_its_age if {
	_reasons({"measure": "age_days", "max": 0.5}) == {concat("", [
		"age_days 0.999999 is above the maximum 0.5, ",
		"by a rule on freshness in production",
	])}
}

test_evidence_of_no_time_is_told if {
	reason := "the evidence has no age_days, by a rule on freshness in production"
	_without("/evidence/produced_at", {"measure": "age_days", "max": 1}) == {reason}
	_without("/now", {"measure": "age_days", "max": 1}) == {reason}
}
