# METADATA
# title: Groups are treated alike
# description: How far the groups of a column are apart. Groups too small to be judged do not count.
package perennial.rules.fairness

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or whose column has no two groups to compare.
# scope: document
findings contains bounds.finding(rule, $"{_name(rule)} between the groups of {_column(rule)}", value) if {
	some rule in input.rules
	rule.of == "fairness"
	value := object.get(input.evidence, ["examined", "groups", _column(rule), "fairness", _name(rule)], null)
}

_name(rule) := object.get(rule, "measure", "")

_column(rule) := object.get(rule, "column", "")
