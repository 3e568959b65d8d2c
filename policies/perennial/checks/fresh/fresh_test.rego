package perennial.checks.fresh_test

import data.perennial.checks.fresh
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := fresh.deny with input as question with data.perennial.limits as example.limits
}

_produced(time) := _deny(example.changed("/evidence/produced_at", time))

test_fresh_evidence_passes if _deny(example.question) == set()

test_evidence_of_the_last_moment_passes if _produced("2026-01-31T12:00:00Z") == set()

test_old_evidence_is_denied_with_its_age if {
	_produced("2026-01-31T11:59:59Z") == {concat("", [
		"the evidence is 30 days old, more than the 30 allowed in production; ",
		"start a new run",
	])}
	_produced("2025-11-02T00:00:00+01:00") == {concat("", [
		"the evidence is 120.5 days old, more than the 30 allowed in production; ",
		"start a new run",
	])}
}

test_clocks_may_differ_a_little if _produced("2026-03-02T12:05:00Z") == set()

test_evidence_from_the_future_is_denied if {
	_produced("2026-03-02T12:05:01Z") == {concat("", [
		"the evidence is from 2026-03-02T12:05:01Z, later than now (2026-03-02T12:00:00Z); ",
		"set the clocks right",
	])}
}

test_no_time_is_denied if {
	count(_deny(example.without("/now"))) == 2
	count(_produced("soon")) == 2
	count(_produced(null)) == 2
}
