# METADATA
# title: Bounds
# description: |
#   A figure of the evidence against a rule of the model spec. Functions here must be called with
#   values that are there, null where there is none: a missing argument would undo the finding.
package perennial.bounds

import data.perennial.numbers

# METADATA
# title: Finding
# description: |
#   What is wrong with a figure: it is missing, below the minimum or above the maximum. Undefined
#   where it keeps the rule. `what` names the figure, and the slice where it is of one.
# scope: document
finding(rule, what, value) := at_the_edges(rule, what, value, value)

# METADATA
# title: Finding at the edges
# description: The same of an interval, whose low edge keeps the minimum, and the high one the maximum.
# scope: document
at_the_edges(rule, what, low, high) := made(rule, [$"the evidence has no {what}", _judged(rule)]) if {
	not _numbers(low, high)
} else := made(rule, [$"{what} {numbers.shown(low)} is below the minimum {_shown(rule.min)}", _judged(rule)]) if {
	_bounded(rule, "min")
	not numbers.at_least(low, rule.min)
} else := made(rule, [$"{what} {numbers.shown(high)} is above the maximum {_shown(rule.max)}", _judged(rule)]) if {
	_bounded(rule, "max")
	not numbers.at_most(high, rule.max)
}

# METADATA
# title: Made
# description: A finding of a rule in its mode, with a reason of two parts.
# scope: document
made(rule, parts) := {
	"mode": object.get(rule, "mode", "enforce"),
	"reason": concat(", ", parts),
}

_judged(rule) := $"by a rule on {object.get(rule, "of", "nothing")} in {input.environment}"

_numbers(low, high) if {
	is_number(low)
	is_number(high)
}

# null is no bound; whatever else is there must be kept
_bounded(rule, side) if object.get(rule, side, null) != null

_shown(bound) := numbers.shown(bound) if is_number(bound)

_shown(bound) := "(which is no number)" if not is_number(bound)
