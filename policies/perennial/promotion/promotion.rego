# METADATA
# title: Promotion
# description: May this version enter this environment now?
package perennial.promotion

import data.perennial.approvals

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
	"approvals_required": approvals.required,
	"approvals_missing": approvals.missing,
	"policy_digest": data.perennial.bundle.digest,
}

# METADATA
# title: Denials
# description: The reasons of every check. A package under perennial.checks is a check.
# scope: document
deny contains reason if {
	some concern
	some reason in data.perennial.checks[concern].deny
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
