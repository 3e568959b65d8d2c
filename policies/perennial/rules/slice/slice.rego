# METADATA
# title: Every group is served well enough
# description: A metric in each group of a column that has enough rows to be judged.
package perennial.rules.slice

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each group that breaks a rule or lacks its metric, and for a column without one.
# scope: document
findings contains bounds.finding(rule, $"{_name(rule)} of {_column(rule)}={group.value} ({group.rows} rows)", value) if {
	some rule in input.rules
	rule.of == "slice"
	some group in _judged(rule)
	value := object.get({"group": group}, ["group", "metrics", _name(rule)], null)
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

_name(rule) := object.get(rule, "measure", "")

_column(rule) := object.get(rule, "column", "")
