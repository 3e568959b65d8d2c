package perennial.checks.complete_test

import data.perennial.checks.complete
import data.perennial.example_test as example

_deny(question) := answer if {
	answer := complete.deny with input as question
}

test_a_complete_question_passes if _deny(example.question) == set()

test_no_champion_is_fine if _deny(example.changed("/champion", null)) == set()

test_a_champion_that_is_not_mentioned_is_denied if {
	_deny(example.without("/champion")) == {"champion is missing; null says that there is none"}
}

test_missing_evidence_is_named if {
	_deny(example.without("/evidence/snapshot")) == {"evidence.snapshot is missing or is not a SHA-256 digest"}
}

test_the_wrong_type_is_denied if {
	cases := {
		"/author": "",
		"/evidence/code/source_digest": "abc",
		"/evidence/metrics": [],
		"/evidence/parity/batch_sizes": 3,
		"/evidence/parity/passed": "true",
		"/evidence/parity/max_abs_diff": -0.1,
		"/evidence/parity/tolerance": null,
		"/evidence/produced_at": "yesterday",
		"/evidence/test_rows": 100.5,
		"/evidence/validation/checks": -1,
		"/evidence/version": "4",
		"/hotfix": "no",
		"/kind": "retirement",
		"/modes": [],
		"/primary/goal": "better",
		"/rules": {},
		"/votes": {},
	}
	every path, value in cases { count(_deny(example.changed(path, value))) == 1 }
}

test_nothing_at_all_is_denied_throughout if {
	count(_deny({})) == 35
	count(_deny({"evidence": "lost"})) == 35
}
