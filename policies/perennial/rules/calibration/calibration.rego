# METADATA
# title: Probabilities are what they say
# description: The expected calibration error and the Brier score keep within bounds.
package perennial.rules.calibration

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or whose figure is missing.
# scope: document
findings contains bounds.finding(rule, $"calibration {_name(rule)}", value) if {
	some rule in input.rules
	rule.of == "calibration"
	value := object.get(input.evidence, ["examined", "calibration", _name(rule)], null)
}

_name(rule) := object.get(rule, "measure", "")
