# METADATA
# title: Modes
# description: What becomes of a broken rule. Whatever is not clearly less is enforced.
package perennial.modes

import data.perennial.limits

# METADATA
# title: The mode that counts
# description: As the spec has it, where the limits let this tier relax rules in this environment.
# scope: document
counting(wanted) := wanted if {
	wanted in {"warn", "dry-run"}
	_may_relax
} else := "enforce"

_may_relax if {
	enforced := limits.modes.enforced[input.risk_tier]
	is_array(enforced)
	not input.environment in enforced
}
