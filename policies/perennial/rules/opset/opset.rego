# METADATA
# title: The file is of operators that its hosts know
# description: The version of the ONNX operators it is written in; 0 is none that is known.
package perennial.rules.opset

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or where the version is not known.
# scope: document
findings contains bounds.finding(rule, $"ONNX opset {_name(rule)}", _known) if {
	some rule in input.rules
	rule.of == "opset"
}

default _known := null

_known := input.evidence.opset if input.evidence.opset != 0

_name(rule) := object.get(rule, "measure", "")
