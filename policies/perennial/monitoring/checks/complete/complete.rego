# METADATA
# title: The question is complete
# description: |
#   Every fact that a judgement rests on is there, of the right type, and fits the others. What is
#   not known is no reason to go on: somebody is told what is missing.
package perennial.monitoring.checks.complete

import data.perennial.facts

# METADATA
# title: Wishes
# description: An alert for each fact that is missing, of the wrong type, or contradicts another.
# scope: document
wishes contains {"action": "alert", "reason": reason} if some reason in _reasons

_reasons contains $"{field} is missing or is not {kind}" if {
	some field, kind in _required
	not _present(field, kind)
}

_reasons contains $"{about}.{field} is missing or is not {kind}" if {
	some about in _watched
	some field, kind in _required_of_watched
	not _told(about, field, kind)
}

_reasons contains reason if {
	some about in _watched
	not _agrees(about)
	reason := concat("", [
		$"the verdict {_shown(about, "verdict")} on {about} does not go with ",
		$"the severity {_shown(about, "severity")}; look at its windows",
	])
}

_reasons contains $"{field} is missing; null says that there is none" if {
	some field in ["back_to", "quality"]
	not field in object.keys(input)
}

_reasons contains "back_to is neither a count nor null" if not _back_to

_reasons contains "window_end is not after window_start" if not _in_order

_present(field, kind) if facts.holds(kind, object.get(input, field, null))

_told(about, field, kind) if facts.holds(kind, input[about][field])

_agrees(about) if input[about].severity in _severities[input[about].verdict]

_shown(about, field) := object.get(input, [about, field], "unknown")

_back_to if facts.holds("a count", object.get(input, "back_to", 0))

_back_to if input.back_to == null

_in_order if time.parse_rfc3339_ns(input.window_start) < time.parse_rfc3339_ns(input.window_end)

_watched contains "drift"

# none is waited for where it is null
_watched contains "quality" if input.quality != null

# not judged where it is null, nor in questions from before it was
_watched contains "concept" if input.concept != null

_severities := {
	"pass": ["none"],
	"no_data": ["none"],
	"inconclusive": ["low"],
	"fail": ["high", "critical"],
	"error": ["high"],
}

_required := {
	"armed": "true or false",
	"dry_run": "true or false",
	"environment": "a name",
	"kind": "monitoring",
	"model": "a name",
	"now": "a time",
	"retraining": "a list of drift and quality",
	"risk_tier": "a name",
	"rows": "a count",
	"run_id": "a name",
	"version": "a count",
	"window_end": "a time",
	"window_start": "a time",
}

_required_of_watched := {
	"newest": "a text",
	"reason": "a sentence",
	"severity": "a severity",
	"verdict": "a verdict",
}
