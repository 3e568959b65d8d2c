# METADATA
# title: It errs no more than it did
# description: |
#   By labels, since it became champion. What is true has become another then: the version before
#   knows no more of that, so nothing is rolled back for it. It is trained again where its spec says
#   so for quality, or somebody is told.
package perennial.monitoring.checks.concept

import data.perennial.limits
import data.perennial.monitoring.told

# METADATA
# title: Wishes
# description: What is wanted about errors that have grown, with the numbers.
# scope: document
wishes contains {"action": "retrain", "reason": reason} if {
	_retrains
	reason := $"{_grown}; train it again on newer rows"
}

wishes contains {"action": "alert", "reason": reason} if {
	input.concept.verdict in {"fail", "inconclusive"}
	not _retrains
	input.concept.severity in limits.monitoring.alert[input.risk_tier]
	reason := $"{_grown}; look for what is true now and was not, and train it again on newer rows"
}

_retrains if {
	input.concept.verdict == "fail"
	input.concept.severity in limits.monitoring.retrain[input.risk_tier]
	"quality" in input.retraining
	input.drift.verdict != "error"
}

_grown := concat("", [
	$"version {input.version} errs more in {input.environment} than when it began ",
	$"({input.concept.severity}): {told.seen(input.concept)}",
])
