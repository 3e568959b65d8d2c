# METADATA
# title: Promotion
# description: May this version enter this environment now?
package perennial.promotion

import data.perennial.approvals
import data.perennial.limits
import data.perennial.modes

# METADATA
# title: Decision
# description: |
#   The answer to a PromotionQuestion with `now`. Undefined where the bundle does not say its
#   digest: a decision that cannot name its policy is none.
# scope: document
# entrypoint: true
decision := {
	"allow": allow,
	"deny": sort(deny),
	"warnings": sort(warnings),
	"dry_run": sort(dry_run),
	"approvals_required": approvals.required,
	"approvals_missing": approvals.missing,
	"policy_digest": data.perennial.bundle.digest,
}

# METADATA
# title: Denials
# description: |
#   The reasons of every check and of every rule of the spec, where they are enforced. A package under
#   perennial.checks is a check, one under perennial.rules judges rules of the spec.
# scope: document
deny contains reason if some reason in _said.enforce

# METADATA
# title: Warnings
# description: The same where the spec only warns.
# scope: document
warnings contains reason if some reason in _said.warn

# METADATA
# title: Dry run
# description: The same where the spec only wants to know.
# scope: document
dry_run contains reason if some reason in _said["dry-run"]

_said[mode] contains reason if {
	some concern
	some reason in data.perennial.checks[concern].deny
	mode := modes.counting(_wanted(concern))
}

# what the spec says of other checks does not count
_wanted(concern) := object.get(input, ["modes", concern], "enforce") if {
	concern in limits.modes.relaxable
} else := "enforce"

_said[mode] contains finding.reason if {
	some subject
	some finding in data.perennial.rules[subject].findings
	mode := modes.counting(finding.mode)
}

# METADATA
# title: Allow
# description: No check denies, and nobody's approval is missing.
# scope: document
default allow := false

allow if {
	count(deny) == 0
	approvals.missing == 0
}
