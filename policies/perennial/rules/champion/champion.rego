# METADATA
# title: It is better than the champion by as much as a rule wants
# description: |
#   Paired on the same resampled rows: the difference of the primary metric, positive where the
#   candidate is better, by its value or by its whole interval, and how probably it is better.
#   Where there is no champion there is nothing to compare.
package perennial.rules.champion

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or where the two were not compared.
# scope: document
findings contains bounds.finding(rule, _what(rule), _paired(_name(rule))) if {
	_there_is_one
	some rule in input.rules
	rule.of == "champion"
	not rule.by == "interval"
}

findings contains bounds.at_the_edges(rule, $"interval of {_what(rule)}", low, high) if {
	_there_is_one
	some rule in input.rules
	rule.of == "champion"
	rule.by == "interval"
	low := _paired("low")
	high := _paired("high")
}

# one that is not mentioned is denied elsewhere
_there_is_one if input.champion != null

_paired(figure) := object.get(input.evidence, ["examined", "paired", $"{input.champion.version}", figure], null)

_what(rule) := $"{_name(rule)} of {input.primary.name} over champion version {input.champion.version}"

_name(rule) := object.get(rule, "measure", "")
