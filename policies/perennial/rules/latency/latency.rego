# METADATA
# title: The file answers quickly enough
# description: Milliseconds of one row and of 64, and rows a second, where it was exported.
package perennial.rules.latency

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or whose figure is missing.
# scope: document
findings contains bounds.finding(rule, $"latency {_name(rule)}", value) if {
	some rule in input.rules
	rule.of == "latency"
	value := object.get(input.evidence, ["speed", _name(rule)], null)
}

_name(rule) := object.get(rule, "measure", "")
