# METADATA
# title: Every group is served well enough
# description: |
#   A metric in each group of a column that has enough rows to be judged, by its value or by its whole
#   confidence interval.
package perennial.rules.slice

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each group that breaks a rule or lacks its metric, and for a column without one.
# scope: document
findings contains bounds.finding(rule, $"{_name(rule)} of {_group(rule, group)}", value) if {
	some rule in input.rules
	rule.of == "slice"
	not rule.by == "interval"
	some group in _judged(rule)
	value := object.get({"group": group}, ["group", "metrics", _name(rule)], null)
}

findings contains bounds.at_the_edges(rule, $"interval of {_name(rule)} of {_group(rule, group)}", low, high) if {
	some rule in input.rules
	rule.of == "slice"
	rule.by == "interval"
	some group in _judged(rule)
	interval := ["group", "intervals", _name(rule)]
	low := object.get({"group": group}, array.concat(interval, ["low"]), null)
	high := object.get({"group": group}, array.concat(interval, ["high"]), null)
}

findings contains bounds.made(rule, [
	$"of the groups of {_column(rule)} none has enough rows to be judged",
	$"and a rule on slice wants {_name(rule)} of each in {input.environment}",
]) if {
	some rule in input.rules
	rule.of == "slice"
	count(_judged(rule)) == 0
}

_judged(rule) := [group |
	some group in object.get(input.evidence, ["examined", "groups", _column(rule), "groups"], [])
	not group.judged == false
]

_group(rule, group) := $"{_column(rule)}={group.value} ({group.rows} rows)"

_name(rule) := object.get(rule, "measure", "")

_column(rule) := object.get(rule, "column", "")
