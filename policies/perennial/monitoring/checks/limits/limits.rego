# METADATA
# title: The limits are known
# description: |
#   For the risk tier, each action has a list of the severities from which on it is taken. Without
#   one nobody knows what to do, and somebody has to look.
package perennial.monitoring.checks.limits

import data.perennial.limits

# METADATA
# title: Wishes
# description: An alert for each limit that is not there.
# scope: document
wishes contains {"action": "alert", "reason": reason} if {
	some action in ["alert", "retrain", "roll_back", "stop_serving"]
	not _known(action)
	reason := concat("", [
		$"the limit monitoring.{action}.{object.get(input, "risk_tier", "")} is not set; ",
		"put a list of severities into data.perennial.limits",
	])
}

_known(action) if is_array(limits.monitoring[action][input.risk_tier])
