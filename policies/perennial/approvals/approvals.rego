# METADATA
# title: Approvals
# description: How many people must approve, by risk tier and environment, and whose word counts.
package perennial.approvals

import data.perennial.limits

# METADATA
# title: Approvals required
# description: |
#   From data.perennial.limits; a hotfix, which goes before others, needs at least as many as stand
#   there for hotfixes. One where the tier or the environment is not known there; such a question is
#   denied anyway.
# scope: document
default required := 1

required := max({_for_its_risk, _for_its_haste})

_for_its_risk := limits.approvals.required[input.risk_tier][input.environment]

_for_its_haste := 0 if input.hotfix == false

_for_its_haste := limits.approvals.hotfix[input.environment] if not input.hotfix == false

# METADATA
# title: Who approved
# description: |
#   People whose approval counts: not the author nor whoever asked for the run, with a role that may
#   approve, and of this very evidence. A person counts once.
# scope: document
approvers contains vote.by if {
	some vote in input.votes
	is_string(vote.by)
	not vote.by in {"", input.author}
	not vote.by == input.requester
	some role in vote.roles
	role in limits.approvals.roles
	vote.evidence_digest == input.evidence_digest
}

# METADATA
# title: Approvals missing
# description: How many more people must approve.
# scope: document
missing := max({0, required - count(approvers)})
