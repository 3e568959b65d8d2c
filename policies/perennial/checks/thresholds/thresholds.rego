# METADATA
# title: Metrics keep within their thresholds
# description: Each threshold of the model spec that counts in this environment holds.
package perennial.checks.thresholds

import data.perennial.limits
import data.perennial.numbers

# METADATA
# title: Broken thresholds
# description: One reason for each bound that is broken, with the metric, its value and the bound.
# scope: document
deny contains $"{threshold.metric} {value} is below the minimum {bound} in {input.environment}" if {
	some threshold in input.thresholds
	value := numbers.shown(_metric(threshold))
	bound := numbers.shown(threshold.min)
	not _above_minimum(threshold)
}

deny contains $"{threshold.metric} {value} is above the maximum {bound} in {input.environment}" if {
	some threshold in input.thresholds
	value := numbers.shown(_metric(threshold))
	bound := numbers.shown(threshold.max)
	not _below_maximum(threshold)
}

deny contains $"the evidence has no {threshold.metric}, which has a threshold in {input.environment}" if {
	some threshold in input.thresholds
	not _measured(threshold)
}

deny contains "a threshold names no metric" if {
	some threshold in input.thresholds
	not _named(threshold)
}

deny contains $"the threshold on {threshold.metric} has neither min nor max as a number" if {
	some threshold in input.thresholds
	not _bounded(threshold)
}

deny contains reason if {
	input.environment in limits.thresholds.primary[input.risk_tier]
	not _primary_bounded
	reason := concat(", ", [
		$"{input.primary.name} has no threshold",
		$"and {input.risk_tier} risk needs one in {input.environment}; add it to the model spec",
	])
}

_metric(threshold) := input.evidence.metrics[threshold.metric]

_above_minimum(threshold) if numbers.at_least(_metric(threshold), threshold.min)

_below_maximum(threshold) if numbers.at_most(_metric(threshold), threshold.max)

_named(threshold) if is_string(threshold.metric)

_measured(threshold) if is_number(_metric(threshold))

_bounded(threshold) if {
	bounds := {bound | some key in {"min", "max"}; bound := object.get(threshold, key, null)} - {null}
	count(bounds) > 0
	every bound in bounds { is_number(bound) }
}

_primary_bounded if {
	some threshold in input.thresholds
	threshold.metric == input.primary.name
}
