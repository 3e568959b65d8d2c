# METADATA
# title: The file is small enough
# description: Its size in megabytes.
package perennial.rules.size

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or whose figure is missing.
# scope: document
findings contains bounds.finding(rule, $"ONNX size {_name(rule)}", value) if {
	some rule in input.rules
	rule.of == "size"
	value := object.get(input.evidence, [_name(rule)], null)
}

_name(rule) := object.get(rule, "measure", "")
