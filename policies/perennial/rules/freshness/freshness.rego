# METADATA
# title: The evidence is as fresh as the model needs it
# description: Its age in days; the platform's own limit counts beside it.
package perennial.rules.freshness

import data.perennial.bounds

# METADATA
# title: Findings
# description: One for each rule that is broken, or where the age is not known.
# scope: document
findings contains bounds.finding(rule, _name(rule), object.get(_figures, _name(rule), null)) if {
	some rule in input.rules
	rule.of == "freshness"
}

default _figures := {}

_figures := {"age_days": age} if {
	age_ns := time.parse_rfc3339_ns(input.now) - time.parse_rfc3339_ns(input.evidence.produced_at)
	age := age_ns / (86400 * 1000000000)
}

_name(rule) := object.get(rule, "measure", "")
