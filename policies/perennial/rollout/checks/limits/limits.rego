# METADATA
# title: The first share is small enough
# description: |
#   The more risk, the fewer requests a version starts with: those of the first step, or of the first
#   one above 0 %. Going from 0 % to all at once is another strategy than growing, and no first share.
package perennial.rollout.checks.limits

import data.perennial.limits
import data.perennial.numbers

# METADATA
# title: Too large a start
# description: A reason with the share and the tier's limit, or with the limit that is not there.
# scope: document
deny contains reason if {
	not _guard
	not _known
	reason := concat("", [
		$"the limit rollout.first_percent.{object.get(input, "risk_tier", "")} is not set; ",
		"put a number into data.perennial.limits",
	])
}

deny contains reason if {
	not _guard
	_known
	some share in _first
	not _small_enough(share)
	reason := concat(" ", [
		$"version {input.version} starts with {numbers.shown(share)} % of the requests",
		$"in {input.environment}, and {numbers.shown(_most)} % is the most at {input.risk_tier} risk;",
		"give the rollout a smaller first step",
	])
}

_guard if input.phase == "guard"

_most := limits.rollout.first_percent[input.risk_tier]

_known if is_number(_most)

_first contains input.percent if input.step == 1

_first contains input.next_percent if {
	input.percent == 0
	input.next_percent != 100
}

_small_enough(share) if numbers.at_most(share, _most)
