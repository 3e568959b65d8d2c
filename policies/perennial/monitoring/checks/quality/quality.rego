# METADATA
# title: It answers as well as promised
# description: |
#   By labels. A champion that fails while its promotion is recent goes back to the one before; one
#   that fails badly, where the risk is high and there is none to go back to, serves no longer; else
#   it is trained again where its spec says so and that can help, or somebody is told.
package perennial.monitoring.checks.quality

import data.perennial.limits
import data.perennial.monitoring.told

# METADATA
# title: Wishes
# description: What is wanted about quality, with the numbers.
# scope: document
wishes contains {"action": "alert", "reason": reason} if {
	input.quality.verdict == "error"
	reason := concat("", [
		$"the answers of version {input.version} in {input.environment} cannot be measured: ",
		$"{told.seen(input.quality)}; mend that, until then nobody knows how good they are",
	])
}

wishes contains {"action": "roll_back", "reason": reason} if {
	_goes_back
	reason := $"{_worse}; roll it back to version {input.back_to} and look for the cause"
}

wishes contains {"action": "stop_serving", "reason": reason} if {
	_stops
	reason := concat("", [
		$"{_worse}; there is no version to go back to, and at {input.risk_tier} risk ",
		"no answer is better than a wrong one: stop serving it, and promote one that is right",
	])
}

wishes contains {"action": "retrain", "reason": reason} if {
	_retrains
	not _goes_back
	not _stops
	reason := $"{_worse}; train it again on newer rows"
}

wishes contains {"action": "alert", "reason": reason} if {
	_worsens
	not _goes_back
	not _stops
	not _retrains
	input.quality.severity in limits.monitoring.alert[input.risk_tier]
	reason := $"{_worse}; look for the cause, then train it again or roll it back"
}

_fails if input.quality.verdict == "fail"

_worsens if input.quality.verdict in {"fail", "inconclusive"}

_goes_back if {
	_fails
	input.quality.severity in limits.monitoring.roll_back[input.risk_tier]
	input.armed == true
	is_number(input.back_to)
}

_stops if {
	_fails
	input.quality.severity in limits.monitoring.stop_serving[input.risk_tier]
	input.back_to == null
}

_retrains if {
	_fails
	input.quality.severity in limits.monitoring.retrain[input.risk_tier]
	"quality" in input.retraining
	not _asked_otherwise
}

_asked_otherwise if input.drift.verdict == "error"

_worse := concat("", [
	$"version {input.version} answers worse in {input.environment} than promised ",
	$"({input.quality.severity}): {told.seen(input.quality)}",
])
