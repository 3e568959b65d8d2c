# METADATA
# title: An example of a rollout
# description: A question that is allowed. Its limits are those of the other example.
package perennial.rollout.example_test

# METADATA
# title: Question
# description: Version 4 of a medium-risk model, from 5 % to 25 % of the requests beside champion 3.
# scope: document
question := {
	"kind": "rollout",
	"phase": "step",
	"model": "flights",
	"risk_tier": "medium",
	"environment": "production",
	"version": 4,
	"run_id": "flights-1",
	"author": "ada",
	"requester": "rob",
	"champion": 3,
	"strategy": "canary",
	"step": 2,
	"steps": 4,
	"percent": 5.0,
	"next_percent": 25.0,
	"verdict": "pass",
	"assessments": {
		"errors": assessment("pass", "errors: 0.10 % of 1,000 requests"),
		"split": assessment("pass", "20,000 requests were divided 95.00 % for 95.00 %"),
	},
	"ruling": null,
	"now": "2026-03-02T12:00:00Z",
}

# METADATA
# title: Guard
# description: The same version, champion by now, and whether it may stay.
# scope: document
guard := {
	"kind": "rollout",
	"phase": "guard",
	"model": "flights",
	"environment": "production",
	"version": 4,
	"run_id": "flights-1",
	"champion": 3,
	"verdict": "pass",
	"assessments": {"errors": assessment("pass", "errors: 0.10 % of 1,000 requests")},
	"ruling": null,
	"now": "2026-03-03T12:00:00Z",
}

# METADATA
# title: Assessment
# description: A verdict with the sentence that it follows from.
# scope: document
assessment(verdict, reason) := {"verdict": verdict, "reason": reason}

# METADATA
# title: Ruling
# description: A person's word that the version goes on.
# scope: document
ruling(by, role) := {
	"by": by,
	"roles": [role],
	"at": "2026-03-02T11:00:00Z",
	"go_on": true,
	"evidence_digest": "1f0e3dad99908345f7439f8ffabdffc4f8e6ad4e8e0a1ee6b3e5d3f3d9d1c7aa",
	"comment": "",
}

# METADATA
# title: With
# description: The question with other values at paths such as "/assessments/errors".
# scope: document
changed(values) := json.patch(question, [{"op": "add", "path": path, "value": value} |
	some path, value in values
])

# METADATA
# title: Without
# description: The question without what is at a path such as "/assessments/errors".
# scope: document
without(path) := json.remove(question, [path])
