# METADATA
# title: A metric keeps within bounds
# description: By its value on the held-out rows, or by its whole confidence interval.
package perennial.rules.metric

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or whose metric or interval is missing.
# scope: document
findings contains bounds.finding(rule, _name(rule), value) if {
	some rule in input.rules
	rule.of == "metric"
	not rule.by == "interval"
	value := object.get(input.evidence, ["metrics", _name(rule)], null)
}

findings contains bounds.at_the_edges(rule, $"interval of {_name(rule)}", low, high) if {
	some rule in input.rules
	rule.of == "metric"
	rule.by == "interval"
	interval := ["examined", "intervals", _name(rule)]
	low := object.get(input.evidence, array.concat(interval, ["low"]), null)
	high := object.get(input.evidence, array.concat(interval, ["high"]), null)
}

_name(rule) := object.get(rule, "measure", "")
