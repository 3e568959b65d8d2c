# METADATA
# title: The question is complete
# description: |
#   Every fact that a judgement rests on is there and of the right type. Other checks may then be
#   written for questions that are well formed: one that is not is denied here. Whether a champion
#   may stay rests on fewer facts than whether a version may go on.
package perennial.rollout.checks.complete

import data.perennial.facts

# METADATA
# title: What is missing
# description: One reason for each fact that is missing or of the wrong type.
# scope: document
deny contains $"{field} is missing or is not {kind}" if {
	some field, kind in _required
	not _present(field, kind)
}

deny contains $"{field} is missing or is not {kind}" if {
	not _guard
	some field, kind in _required_of_a_step
	not _present(field, kind)
}

deny contains $"assessments.{name}.{field} is missing or is not {kind}" if {
	some name, assessment in input.assessments
	some field, kind in _required_of_an_assessment
	not _assessed(assessment, field, kind)
}

deny contains $"ruling.{field} is missing or is not {kind}" if {
	input.ruling != null
	some field, kind in _required_of_a_ruling
	not _ruled(field, kind)
}

deny contains "ruling is missing; null says that there is none" if not _ruling_mentioned

_guard if input.phase == "guard"

_present(field, kind) if facts.holds(kind, object.get(input, field, null))

_assessed(assessment, field, kind) if facts.holds(kind, assessment[field])

_ruled(field, kind) if facts.holds(kind, input.ruling[field])

_ruling_mentioned if "ruling" in object.keys(input)

_required := {
	"assessments": "an object",
	"champion": "a count",
	"environment": "a name",
	"kind": "rollout",
	"model": "a name",
	"now": "a time",
	"phase": "step or guard",
	"run_id": "a name",
	"verdict": "a verdict",
	"version": "a count",
}

_required_of_a_step := {
	"author": "a name",
	"next_percent": "a number from 0 on",
	"percent": "a number from 0 on",
	"requester": "a text",
	"risk_tier": "a name",
	"step": "a count",
	"steps": "a count",
	"strategy": "a name",
}

_required_of_an_assessment := {"reason": "a sentence", "verdict": "a verdict"}

_required_of_a_ruling := {
	"by": "a name",
	"evidence_digest": "a SHA-256 digest",
	"go_on": "true or false",
	"roles": "a list",
}
