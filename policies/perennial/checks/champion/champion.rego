# METADATA
# title: The candidate is not worse than the champion
# description: |
#   The primary metric, measured on the same rows, may be worse than the champion's by no more than
#   the model spec's max_regression. Where there is no champion, the metric must still be there.
package perennial.checks.champion

import data.perennial.numbers

# METADATA
# title: Worse than the champion
# description: A reason with both numbers and both versions, or with what is missing to compare.
# scope: document
deny contains $"the evidence has no {input.primary.name}, the primary metric" if not _measured

deny contains reason if {
	input.champion != null
	not _champion_measured
	reason := concat(", ", [
		$"champion version {input.champion.version} has no {input.primary.name} on these rows",
		$"so version {input.version} cannot be compared with it",
	])
}

deny contains reason if {
	input.champion != null
	_measured
	_champion_measured
	not _good_enough
	reason := concat(" ", [
		$"{input.primary.name} {numbers.shown(_candidate)} of version {input.version} is worse than",
		$"{numbers.shown(_champion)} of champion version {input.champion.version} in {input.environment}",
		$"by {numbers.shown(_regression)}, and {numbers.shown(input.primary.max_regression)} is allowed",
	])
}

_candidate := input.evidence.metrics[input.primary.name]

_champion := input.champion.metrics[input.primary.name]

_measured if is_number(_candidate)

_champion_measured if is_number(_champion)

_regression := _champion - _candidate if input.primary.goal == "maximize"

_regression := _candidate - _champion if input.primary.goal == "minimize"

# a difference of two decimals is not always the decimal that it should be
_rounding := 1e-12

_good_enough if numbers.at_most(_regression, input.primary.max_regression + _rounding)
