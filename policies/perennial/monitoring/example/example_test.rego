# METADATA
# title: An example of a window
# description: A question whose window is ignored. Its limits are those of the other examples.
package perennial.monitoring.example_test

import data.perennial.example_test

# METADATA
# title: Question
# description: Version 4 of a medium-risk model, champion before which there was version 3.
# scope: document
question := {
	"kind": "monitoring",
	"model": "flights",
	"risk_tier": "medium",
	"environment": "production",
	"version": 4,
	"run_id": "flights-1",
	"window_start": "2026-03-02T10:00:00Z",
	"window_end": "2026-03-02T11:00:00Z",
	"rows": 4200,
	"drift": watched("pass", "none"),
	"quality": watched("pass", "none"),
	"back_to": 3,
	"armed": false,
	"retraining": ["drift", "quality"],
	"dry_run": false,
	"now": "2026-03-02T11:02:00Z",
}

# METADATA
# title: Watched
# description: A verdict on the newest windows with its sentences.
# scope: document
watched(verdict, severity) := {
	"verdict": verdict,
	"severity": severity,
	"reason": $"3 of the last 5 windows say {verdict}",
	"newest": "distance: PSI 0.41",
}

# METADATA
# title: With
# description: The question with other values at paths such as "/drift/verdict".
# scope: document
changed(values) := json.patch(question, [{"op": "add", "path": path, "value": value} |
	some path, value in values
])

# METADATA
# title: Without
# description: The question without what is at a path such as "/drift/verdict".
# scope: document
without(path) := json.remove(question, [path])

# METADATA
# title: Limits
# description: Those of the other examples, with another list for an action at medium risk.
# scope: document
limits(action, severities) := json.patch(example_test.limits, [{
	"op": "replace",
	"path": $"/monitoring/{action}/medium",
	"value": severities,
}])
