package perennial.rules.dependencies_test

import data.perennial.example_test as example
import data.perennial.rules.dependencies

_findings(question) := answer if {
	answer := dependencies.findings with input as question
}

_rule := {"of": "dependencies", "measure": "advisories", "max": 0}

_reasons(checked) := {finding.reason |
	question := object.union(example.ruled(_rule), {"evidence": {"dependencies": checked}})
	some finding in _findings(question)
}

_missing := {"the evidence has no dependency advisories, by a rule on dependencies in production"}

test_packages_without_advisories_pass if _reasons({"status": "checked", "advisories": 0}) == set()

test_an_advisory_is_told if {
	_reasons({"status": "checked", "advisories": 2}) == {concat("", [
		"dependency advisories 2 is above the maximum 0, ",
		"by a rule on dependencies in production",
	])}
}

test_what_was_not_checked_never_passes if {
	_reasons(null) == _missing
	_reasons({"status": "not checked", "why": "no source", "advisories": null}) == _missing
	_reasons({"status": "not checked", "advisories": 0}) == _missing
	_reasons({"status": "checked"}) == _missing
}

test_evidence_of_before_there_was_a_check_never_passes if {
	{finding.reason | some finding in _findings(example.ruled(_rule))} == _missing
}

test_rules_on_other_things_are_not_judged_here if {
	_findings(example.ruled({"of": "size", "measure": "advisories", "max": 0})) == set()
}
