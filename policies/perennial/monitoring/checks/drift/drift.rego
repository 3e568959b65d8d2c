# METADATA
# title: What it is asked has not moved
# description: |
#   A champion that is asked, or answers, what it was not trained on is trained again where its spec
#   says so, and else somebody is told. A column that is gone or holds something else is for a person
#   alone: no retraining helps, so what quality wants is no retraining either.
package perennial.monitoring.checks.drift

import data.perennial.limits
import data.perennial.monitoring.told

# METADATA
# title: Wishes
# description: What is wanted about drift, with the numbers.
# scope: document
wishes contains {"action": "alert", "reason": reason} if {
	_broken
	reason := concat("", [
		$"version {input.version} is not asked in {input.environment} as it was trained: ",
		$"{told.seen(input.drift)}; mend what sends the requests, no retraining helps",
	])
}

wishes contains {"action": "retrain", "reason": reason} if {
	_retrains
	reason := concat("", [
		$"what version {input.version} is asked or answers in {input.environment} has moved ",
		$"({input.drift.severity}): {told.seen(input.drift)}; ",
		"train it again on newer rows",
	])
}

wishes contains {"action": "alert", "reason": reason} if {
	_drifts
	not _retrains
	input.drift.severity in limits.monitoring.alert[input.risk_tier]
	reason := concat("", [
		$"what version {input.version} is asked or answers in {input.environment} has moved ",
		$"({input.drift.severity}): {told.seen(input.drift)}; ",
		"look at what moved, and train it again if that is to stay",
	])
}

_broken if input.drift.verdict == "error"

_drifts if input.drift.verdict in {"fail", "inconclusive"}

_retrains if {
	input.drift.verdict == "fail"
	input.drift.severity in limits.monitoring.retrain[input.risk_tier]
	"drift" in input.retraining
}
