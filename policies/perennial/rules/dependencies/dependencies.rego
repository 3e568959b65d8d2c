# METADATA
# title: What it was made with is not known to be vulnerable
# description: Advisories on locked packages. Where nobody was asked, the figure is missing.
package perennial.rules.dependencies

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or whose packages were not checked.
# scope: document
findings contains bounds.finding(rule, $"dependency {_name(rule)}", _checked(_name(rule))) if {
	some rule in input.rules
	rule.of == "dependencies"
}

default _checked(_) := null

_checked(name) := object.get(input.evidence.dependencies, [name], null) if {
	input.evidence.dependencies.status == "checked"
}

_name(rule) := object.get(rule, "measure", "")
