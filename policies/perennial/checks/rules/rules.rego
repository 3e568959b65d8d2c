# METADATA
# title: Every rule can be judged
# description: A rule of the model spec that nobody judges would pass whatever the evidence says.
package perennial.checks.rules

import data.perennial.rules

# METADATA
# title: Rules that nobody judges
# description: One reason for each, whatever its mode.
# scope: document
deny contains $"a rule is on {object.get(rule, "of", "nothing")}, which no policy judges" if {
	some rule in input.rules
	not _known(rule)
}

deny contains $"the rule on {rule.of} is not whole: it needs measure, column, by and mode" if {
	some rule in input.rules
	_known(rule)
	not _whole(rule)
}

deny contains $"the rule on {rule.of} ({rule.measure}) has neither min nor max as a number" if {
	some rule in input.rules
	_known(rule)
	_whole(rule)
	not _bounded(rule)
}

_known(rule) if rules[rule.of]

_whole(rule) if {
	is_string(rule.measure)
	rule.measure != ""
	is_string(rule.column)
	rule.by in {"value", "interval"}
	rule.mode in {"enforce", "warn", "dry-run"}
}

_bounded(rule) if {
	bounds := {bound | some side in {"min", "max"}; bound := object.get(rule, side, null)} - {null}
	count(bounds) > 0
	every bound in bounds { is_number(bound) }
}
