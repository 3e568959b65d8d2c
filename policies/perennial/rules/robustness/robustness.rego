# METADATA
# title: Disturbed rows are answered almost as well
# description: The primary metric becomes worse by no more than a rule allows.
package perennial.rules.robustness

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or whose figure is missing.
# scope: document
findings contains bounds.finding(rule, $"drop of {input.primary.name} under {_name(rule)}", value) if {
	some rule in input.rules
	rule.of == "robustness"
	value := object.get(input.evidence, ["examined", "robustness", "strains", _name(rule), "drop"], null)
}

_name(rule) := object.get(rule, "measure", "")
