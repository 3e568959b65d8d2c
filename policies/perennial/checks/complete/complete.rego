# METADATA
# title: The question is complete
# description: |
#   Every fact that a judgement rests on is there and of the right type. Other checks may then be
#   written for questions that are well formed: one that is not is denied here.
package perennial.checks.complete

import data.perennial.facts

# METADATA
# title: What is missing
# description: One reason for each fact that is missing or of the wrong type.
# scope: document
deny contains $"{field} is missing or is not {kind}" if {
	some field, kind in _required
	not _present(field, kind)
}

deny contains "champion is missing; null says that there is none" if not _champion_mentioned

_present(field, kind) if facts.holds(kind, object.get(input, split(field, "."), null))

_champion_mentioned if "champion" in object.keys(input)

_required := {
	"author": "a name",
	"environment": "a name",
	"evidence.code.project": "a name",
	"evidence.code.source_digest": "a SHA-256 digest",
	"evidence.metrics": "an object",
	"evidence.model": "a name",
	"evidence.onnx": "a SHA-256 digest",
	"evidence.parity.batch_sizes": "a list",
	"evidence.parity.max_abs_diff": "a number from 0 on",
	"evidence.parity.passed": "true or false",
	"evidence.parity.tolerance": "a number from 0 on",
	"evidence.produced_at": "a time",
	"evidence.profile": "a SHA-256 digest",
	"evidence.run_id": "a name",
	"evidence.snapshot": "a SHA-256 digest",
	"evidence.test_rows": "a count",
	"evidence.validation.checks": "a count",
	"evidence.validation.passed": "true or false",
	"evidence.version": "a count",
	"evidence_digest": "a SHA-256 digest",
	"hotfix": "true or false",
	"kind": "promotion",
	"modes": "an object",
	"model": "a name",
	"now": "a time",
	"primary.goal": "maximize or minimize",
	"primary.max_regression": "a number from 0 on",
	"primary.name": "a name",
	"risk_tier": "a name",
	"rules": "a list",
	"run_id": "a name",
	"thresholds": "a list",
	"version": "a count",
	"votes": "a list",
}
