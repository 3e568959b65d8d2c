# METADATA
# title: Rollout
# description: May this version have the next share of the requests, or stay champion?
package perennial.rollout

# METADATA
# title: Decision
# description: |
#   The answer to a RolloutQuestion with `now`. Undefined where the bundle does not say its digest:
#   a decision that cannot name its policy is none. Nobody votes on a rollout, so no approval is
#   ever missing; a person's ruling is a part of the question.
# scope: document
# entrypoint: true
decision := {
	"allow": allow,
	"deny": sort(deny),
	"approvals_required": 0,
	"approvals_missing": 0,
	"policy_digest": data.perennial.bundle.digest,
}

# METADATA
# title: Denials
# description: The reasons of every check. A package under perennial.rollout.checks is a check.
# scope: document
deny contains reason if {
	some concern
	some reason in data.perennial.rollout.checks[concern].deny
}

# METADATA
# title: Allow
# description: No check denies.
# scope: document
default allow := false

allow if count(deny) == 0
