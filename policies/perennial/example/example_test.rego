# METADATA
# title: An example
# description: A question that is allowed, and limits that tests do not share with real ones.
package perennial.example_test

# METADATA
# title: Question
# description: Version 4 of a medium-risk model, better than champion 3, approved for production.
# scope: document
question := {
	"kind": "promotion",
	"model": "flights",
	"task": "binary",
	"risk_tier": "medium",
	"owners": ["mlops"],
	"environment": "production",
	"version": 4,
	"run_id": "flights-1",
	"author": "ada",
	"requester": "rob",
	"hotfix": false,
	"now": "2026-03-02T12:00:00Z",
	"thresholds": [{"metric": "roc_auc", "min": 0.65, "max": null, "environments": []}],
	"primary": {"name": "roc_auc", "goal": "maximize", "max_regression": 0.01},
	"rules": [],
	"modes": {"thresholds": "enforce", "champion": "enforce", "parity": "enforce", "fresh": "enforce"},
	"evidence": {
		"model": "flights",
		"version": 4,
		"run_id": "flights-1",
		"snapshot": _digest("a"),
		"profile": _digest("b"),
		"onnx": _digest("c"),
		"code": {
			"project": "examples.flights.project:FlightDelay",
			"source_digest": _digest("d"),
			"git_commit": "0123456789abcdef0123456789abcdef01234567",
			"dirty": false,
		},
		"params": {"epochs": 5},
		"validation": {"passed": true, "rows": 1000, "checks": 12, "violations": []},
		"metrics": {"roc_auc": 0.72, "log_loss": 0.4},
		"champions": {"3": {"roc_auc": 0.7, "log_loss": 0.41}},
		"test_rows": 200,
		"parity": {
			"passed": true,
			"batch_sizes": [1, 7, 64],
			"rows": 72,
			"max_abs_diff": 0.0000001,
			"tolerance": 0.0001,
			"flips": 0,
		},
		"opset": 20,
		"examined": _examined,
		"speed": {"p99_ms_1": 0.2, "rows_per_second": 50000},
		"megabytes": 0.5,
		"produced_at": "2026-03-01T12:00:00.123456Z",
	},
	"evidence_digest": _digest("e"),
	"champion": {"version": 3, "epoch": 2, "metrics": {"roc_auc": 0.7, "log_loss": 0.41}},
	"votes": [vote("bob", "approver")],
}

# METADATA
# title: Vote
# description: A person's approval of the example's evidence.
# scope: document
vote(by, role) := {
	"by": by,
	"roles": [role],
	"at": "2026-03-02T11:00:00Z",
	"evidence_digest": _digest("e"),
	"comment": "",
}

# METADATA
# title: Ruled
# description: The question with one rule of the spec; what is not given of it is as usual.
# scope: document
ruled(rule) := changed("/rules", [object.union(_rule, rule)])

_rule := {
	"of": "metric",
	"measure": "roc_auc",
	"column": "",
	"min": null,
	"max": null,
	"by": "value",
	"mode": "enforce",
	"environments": [],
}

_examined := {
	"samples": 1000,
	"confidence": 0.95,
	"intervals": {"roc_auc": {"low": 0.68, "high": 0.76}},
	"calibration": {"error": 0.03, "brier": 0.15, "bins": []},
	"groups": {"sex": {
		"smallest": 50,
		"groups": [
			{
				"value": "F",
				"rows": 120,
				"judged": true,
				"metrics": {"roc_auc": 0.74},
				"intervals": {"roc_auc": {"low": 0.69, "high": 0.79}},
			},
			{
				"value": "M",
				"rows": 70,
				"judged": true,
				"metrics": {"roc_auc": 0.61},
				"intervals": {"roc_auc": {"low": 0.52, "high": 0.7}},
			},
			{"value": "", "rows": 10, "judged": false, "metrics": {"roc_auc": 0.5}},
		],
		"fairness": {"equalized_odds_difference": 0.18},
		"intervals": {"equalized_odds_difference": {"low": 0.05, "high": 0.31}},
	}},
	"robustness": {"strains": {"noise": {"value": 0.71, "drop": 0.01, "column": ""}}},
	"paired": {"3": {"difference": 0.02, "low": -0.005, "high": 0.045, "probability_better": 0.94}},
}

# METADATA
# title: With
# description: The question with another value at a path such as "/evidence/version".
# scope: document
changed(path, value) := json.patch(question, [{"op": "add", "path": path, "value": value}])

# METADATA
# title: Without
# description: The question without what is at a path such as "/evidence/version".
# scope: document
without(path) := json.remove(question, [path])

# METADATA
# title: Limits
# description: What data.perennial.limits is in tests.
# scope: document
limits := {
	"environments": {"production": {
		"max_evidence_age_days": 30,
		"max_parity_tolerance": 0.001,
		"min_test_rows": 100,
	}},
	"approvals": {
		"roles": ["admin", "approver"],
		"hotfix": {"production": 1},
		"required": {"low": {"production": 0}, "medium": {"production": 1}, "high": {"production": 2}},
	},
	"clock": {"max_skew_seconds": 300},
	"code": {"committed": {"low": [], "medium": [], "high": ["production"]}},
	"modes": {
		"enforced": {"low": [], "medium": [], "high": ["production"]},
		"relaxable": ["thresholds", "champion", "parity", "fresh"],
	},
	"monitoring": {
		"alert": {
			"low": _lasting,
			"medium": _lasting,
			"high": ["low", "high", "critical"],
		},
		"retrain": {"low": _lasting, "medium": _lasting, "high": _lasting},
		"roll_back": {"low": _lasting, "medium": _lasting, "high": _lasting},
		"stop_serving": {"low": [], "medium": [], "high": ["critical"]},
	},
	"parity": {"batch_sizes": [1], "min_batch_sizes": 3},
	"rollout": {"first_percent": {"low": 100, "medium": 50, "high": 10}},
	"thresholds": {"primary": {"low": [], "medium": [], "high": ["production"]}},
}

_lasting := ["high", "critical"]

_digest(letter) := concat("", [letter | some _ in numbers.range(1, 64)])
