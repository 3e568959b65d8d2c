# METADATA
# title: The ONNX file is as close as the model needs it
# description: The largest difference, and the rows that get another class.
package perennial.rules.parity

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or whose figure is missing.
# scope: document
findings contains bounds.finding(rule, $"ONNX parity {_name(rule)}", value) if {
	some rule in input.rules
	rule.of == "parity"
	value := object.get(input.evidence, ["parity", _name(rule)], null)
}

_name(rule) := object.get(rule, "measure", "")
