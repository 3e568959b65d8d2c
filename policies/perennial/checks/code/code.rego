# METADATA
# title: The code was committed
# description: Where much is at stake, the code that trained the version can be found again.
package perennial.checks.code

import data.perennial.limits

# METADATA
# title: Code not committed
# description: A reason where this tier and environment need committed code and it was not.
# scope: document
deny contains reason if {
	input.environment in limits.code.committed[input.risk_tier]
	not _committed
	reason := concat(", ", [
		"the training code was not committed",
		$"and {input.risk_tier} risk needs that in {input.environment}; commit it and start a new run",
	])
}

_committed if {
	input.evidence.code.dirty == false
	regex.match(`^[0-9a-f]{40,64}$`, input.evidence.code.git_commit)
}
