package perennial.monitoring.checks.complete_test

import data.perennial.monitoring.checks.complete
import data.perennial.monitoring.example_test as example

_reasons(question) := {wish.reason |
	some wish in complete.wishes with input as question
	wish.action == "alert"
}

test_a_complete_question_passes if _reasons(example.question) == set()

test_no_labels_and_no_champion_before_are_facts if {
	_reasons(example.changed({"/quality": null, "/back_to": null, "/retraining": []})) == set()
}

test_errors_need_not_be_judged if {
	_reasons(example.changed({"/concept": null})) == set()
	_reasons(example.changed({"/concept": example.watched("pass", "none")})) == set()
	count(_reasons(example.changed({"/concept": example.watched("fail", "none")}))) == 1
}

test_what_is_not_mentioned_is_told if {
	_reasons(example.without("/back_to")) == {"back_to is missing; null says that there is none"}
	_reasons(example.without("/quality")) == {"quality is missing; null says that there is none"}
}

test_a_champion_before_is_a_version if {
	every version in ["3", -1, 1.5, true] {
		_reasons(example.changed({"/back_to": version})) == {"back_to is neither a count nor null"}
	}
}

test_what_is_watched_needs_a_verdict_a_severity_and_a_reason if {
	every about in ["drift", "quality", "concept"] {
		every watched in [{}, "pass", true, []] {
			reasons := _reasons(example.changed({$"/{about}": watched}))
			$"{about}.verdict is missing or is not a verdict" in reasons
			$"{about}.severity is missing or is not a severity" in reasons
			$"{about}.reason is missing or is not a sentence" in reasons
			$"{about}.newest is missing or is not a text" in reasons
		}
	}
	count(_reasons(example.changed({"/drift": null}))) > 3
	count(_reasons(example.without("/drift"))) > 3
}

test_a_verdict_and_its_severity_agree if {
	reason := concat(" ", [
		"the verdict pass on drift does not go with the severity critical;",
		"look at its windows",
	])
	_reasons(example.changed({"/drift/severity": "critical"})) == {reason}
	every verdict, severity in {"fail": "low", "error": "none", "inconclusive": "high", "no_data": "low"} {
		count(_reasons(example.changed({"/quality": example.watched(verdict, severity)}))) == 1
	}
	every verdict, severity in {"fail": "critical", "error": "high", "inconclusive": "low"} {
		_reasons(example.changed({"/quality": example.watched(verdict, severity)})) == set()
	}
}

test_a_window_ends_after_it_starts if {
	_reasons(example.changed({"/window_end": "2026-03-02T10:00:00Z"})) == {"window_end is not after window_start"}
}

test_the_wrong_type_is_told if {
	cases := {
		"/armed": "yes",
		"/dry_run": null,
		"/environment": "",
		"/kind": "promotion",
		"/model": 4,
		"/now": "soon",
		"/retraining": ["schedule"],
		"/risk_tier": "",
		"/rows": -1,
		"/run_id": "",
		"/version": "4",
	}
	every path, value in cases { count(_reasons(example.changed({path: value}))) == 1 }
}

test_nothing_at_all_is_told_throughout if count(_reasons({})) == 21
