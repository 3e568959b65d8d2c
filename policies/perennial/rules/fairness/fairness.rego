# METADATA
# title: Groups are treated alike
# description: |
#   How far the groups of a column are apart, by the value or by its whole confidence interval. Groups
#   too small to be judged do not count.
package perennial.rules.fairness

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or whose column has no two groups to compare.
# scope: document
findings contains bounds.finding(rule, _between(rule), value) if {
	some rule in input.rules
	rule.of == "fairness"
	not rule.by == "interval"
	value := object.get(input.evidence, ["examined", "groups", _column(rule), "fairness", _name(rule)], null)
}

findings contains bounds.at_the_edges(rule, $"interval of {_between(rule)}", low, high) if {
	some rule in input.rules
	rule.of == "fairness"
	rule.by == "interval"
	interval := ["examined", "groups", _column(rule), "intervals", _name(rule)]
	low := object.get(input.evidence, array.concat(interval, ["low"]), null)
	high := object.get(input.evidence, array.concat(interval, ["high"]), null)
}

_between(rule) := $"{_name(rule)} between the groups of {_column(rule)}"

_name(rule) := object.get(rule, "measure", "")

_column(rule) := object.get(rule, "column", "")
