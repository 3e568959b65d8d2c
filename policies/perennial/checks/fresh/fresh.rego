# METADATA
# title: The evidence is fresh
# description: It is no older than the environment allows, and not from the future.
package perennial.checks.fresh

import data.perennial.limits
import data.perennial.numbers

# METADATA
# title: Evidence out of its time
# description: A reason where the evidence is too old, or dated later than now.
# scope: document
deny contains reason if {
	not _young
	reason := concat(", ", [
		$"the evidence is {numbers.shown(round(_age_days * 10) / 10)} days old",
		$"more than the {_max_age_days} allowed in {input.environment}; start a new run",
	])
}

deny contains reason if {
	not _past
	reason := concat(", ", [
		$"the evidence is from {input.evidence.produced_at}",
		$"later than now ({input.now}); set the clocks right",
	])
}

_young if numbers.at_most(_age_days, _max_age_days)

_past if numbers.at_least(_age_ns + (limits.clock.max_skew_seconds * 1000000000), 0)

_age_ns := time.parse_rfc3339_ns(input.now) - time.parse_rfc3339_ns(input.evidence.produced_at)

_age_days := _age_ns / (86400 * 1000000000)

_max_age_days := limits.environments[input.environment].max_evidence_age_days
