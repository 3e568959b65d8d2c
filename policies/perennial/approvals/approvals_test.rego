package perennial.approvals_test

import data.perennial.approvals
import data.perennial.example_test as example

_missing(risk_tier, votes) := answer if {
	answer := approvals.missing with input as json.patch(example.question, [
		{"op": "replace", "path": "/risk_tier", "value": risk_tier},
		{"op": "replace", "path": "/votes", "value": votes},
	])
		with data.perennial.limits as example.limits
}

_approvers(votes) := answer if {
	answer := approvals.approvers with input as example.changed("/votes", votes)
		with data.perennial.limits as example.limits
}

test_the_number_follows_from_risk_and_environment if {
	_missing("low", []) == 0
	_missing("medium", []) == 1
	_missing("high", []) == 2
}

test_a_hotfix_needs_as_many_as_stand_for_hotfixes if {
	_hasty("low", true) == 1
	_hasty("high", true) == 2
	_hasty("low", null) == 1
}

_hasty(risk_tier, hotfix) := answer if {
	answer := approvals.missing with input as json.patch(example.question, [
		{"op": "replace", "path": "/risk_tier", "value": risk_tier},
		{"op": "replace", "path": "/hotfix", "value": hotfix},
		{"op": "replace", "path": "/votes", "value": []},
	])
		with data.perennial.limits as example.limits
}

test_each_approval_leaves_one_less if {
	_missing("high", [example.vote("bob", "approver")]) == 1
	_missing("high", [example.vote("bob", "approver"), example.vote("eve", "admin")]) == 0
}

test_more_than_needed_is_enough if _missing("low", [example.vote("bob", "approver")]) == 0

test_a_person_counts_once if {
	_missing("high", [example.vote("bob", "approver"), example.vote("bob", "admin")]) == 1
}

test_the_author_does_not_count if _approvers([example.vote("ada", "admin")]) == set()

test_who_asked_for_the_run_does_not_count if _approvers([example.vote("rob", "admin")]) == set()

test_nobody_does_not_count if _approvers([example.vote("", "admin"), example.vote(null, "admin")]) == set()

test_a_role_that_may_not_approve_does_not_count if _approvers([example.vote("bob", "engineer")]) == set()

test_an_approval_of_other_evidence_does_not_count if {
	vote := object.union(example.vote("bob", "approver"), {"evidence_digest": "f"})
	_approvers([vote]) == set()
}

test_an_approval_of_no_evidence_does_not_count if {
	question := json.remove(example.question, ["/evidence_digest", "/votes/0/evidence_digest"])
	approvers := approvals.approvers with input as question with data.perennial.limits as example.limits
	approvers == set()
}

test_one_is_required_where_nothing_is_known if {
	_missing("extreme", []) == 1
	required := approvals.required with input as {}
	required == 1
}
