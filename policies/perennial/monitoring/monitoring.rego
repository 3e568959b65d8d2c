# METADATA
# title: Monitoring
# description: |
#   What is done about a window of a champion? Each check wants what it wants, and the most drastic
#   of that is done.
package perennial.monitoring

# METADATA
# title: Decision
# description: |
#   The answer to a MonitoringQuestion with `now`. Undefined where the bundle does not say its
#   digest: a decision that cannot name its policy is none. Nobody votes on a window, so no approval
#   is ever missing. To allow is to let the champion go on as it does.
# scope: document
# entrypoint: true
decision := {
	"allow": action == "ignore",
	"deny": sort(deny),
	"approvals_required": 0,
	"approvals_missing": 0,
	"action": action,
	"policy_digest": data.perennial.bundle.digest,
}

# METADATA
# title: Denials
# description: |
#   Why the window is not ignored, by every check. A package under perennial.monitoring.checks is a
#   check.
# scope: document
deny contains wish.reason if some wish in _wishes

# METADATA
# title: Action
# description: |
#   The most drastic one that a check wants. Where checks want only what nobody knows, somebody has
#   to look.
# scope: document
action := _wanted[0] if {
	_wanted[0]
} else := "alert" if {
	count(_wishes) > 0
} else := "ignore"

_wishes contains wish if {
	some concern
	some wish in data.perennial.monitoring.checks[concern].wishes
}

_wanted := [known |
	some known in ["stop_serving", "roll_back", "retrain", "alert"]
	some wish in _wishes
	wish.action == known
]
