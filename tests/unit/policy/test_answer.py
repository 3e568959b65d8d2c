"""What an answer means. Only one form of answer allows anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.policy_answer import Reading, interpret

DIGEST = "a" * 64
ALLOW = {
    "allow": True,
    "deny": [],
    "approvals_required": 2,
    "approvals_missing": 0,
    "policy_digest": DIGEST,
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**ALLOW, **changes}


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        (ALLOW, Reading("allow", (), 2, 0, DIGEST)),
        (
            changed(allow=False, deny=["a is wrong", "b is wrong"]),
            Reading("deny", ("a is wrong", "b is wrong"), 2, 0, DIGEST),
        ),
        (
            changed(allow=False, approvals_missing=1),
            Reading("needs_approval", ("1 of 2 approvals missing",), 2, 1, DIGEST),
        ),
        (
            changed(warnings=["c is broken"], dry_run=["d is broken"]),
            Reading("allow", (), 2, 0, DIGEST, "", ("c is broken",), ("d is broken",)),
        ),
        # who is denied need not be approved
        (
            changed(allow=False, deny=["a is wrong"], approvals_missing=2),
            Reading("deny", ("a is wrong",), 2, 2, DIGEST),
        ),
    ],
)
def test_a_whole_answer_is_taken_at_its_word(answer: dict[str, Any], reading: Reading) -> None:
    assert interpret(answer) == reading


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "the policy is undefined for this question"),
        ([], "list is not an object"),
        (True, "bool is not an object"),
        ("allow", "str is not an object"),
        ({}, "allow Field required"),
        ({"error": "two values"}, "the policy broke on this question: two values"),
        (changed(allow="true"), "allow"),
        (changed(allow=1), "allow"),
        (changed(allow=None), "allow"),
        (changed(allow=False), "allow contradicts"),
        (changed(deny=["a is wrong"]), "allow contradicts"),
        (changed(approvals_missing=1), "allow contradicts"),
        (changed(allow=False, deny=None), "deny"),
        (changed(allow=False, deny="a is wrong"), "deny"),
        (changed(allow=False, deny={"a is wrong": True}), "deny"),
        (changed(allow=False, deny=[""]), "deny.0"),
        (changed(allow=False, deny=[3]), "deny.0"),
        (changed(approvals_missing=-1), "approvals_missing"),
        (changed(approvals_missing=0.0), "approvals_missing"),
        (changed(approvals_missing=False), "approvals_missing"),
        (changed(approvals_missing="0"), "approvals_missing"),
        (changed(allow=False, approvals_missing=3), "more approvals are missing"),
        (changed(approvals_required=-1), "approvals_required"),
        (changed(policy_digest=""), "policy_digest"),
        (changed(policy_digest=None), "policy_digest"),
        (changed(policy_digest="A" * 64), "policy_digest"),
        (changed(unless="it rains"), "unless"),
        (changed(warnings="c is broken"), "warnings"),
        (changed(dry_run=[""]), "dry_run.0"),
    ],
)
def test_everything_else_is_an_error_that_says_why(answer: Any, reason: str) -> None:
    reading = interpret(answer)
    assert reading.outcome == "error"
    assert reason in reading.reasons[0]
    assert (reading.approvals_required, reading.approvals_missing) == (0, 0)


@pytest.mark.parametrize("action", ["ignore", "alert", "retrain", "roll_back", "stop_serving"])
def test_a_monitor_is_told_what_to_do(action: str) -> None:
    ignored = action == "ignore"
    deny = [] if ignored else ["it drifts"]
    answer = changed(approvals_required=0, allow=ignored, deny=deny, action=action)
    outcome = "allow" if ignored else "deny"
    assert interpret(answer, "monitoring") == Reading(outcome, tuple(deny), 0, 0, DIGEST, action)
    # nobody but a monitor knows what to do with it
    assert interpret(answer).outcome == interpret(answer, "rollout").outcome == "error"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ALLOW, "action Field required"),
        (changed(action="ignore"), "approvals are required"),
        (changed(approvals_required=0, action="pray"), "action"),
        (changed(approvals_required=0, action=None), "action"),
        (changed(approvals_required=0, action="alert"), "action contradicts allow"),
        (
            changed(approvals_required=0, allow=False, deny=["it drifts"], action="ignore"),
            "action contradicts allow",
        ),
        (
            changed(approvals_required=0, allow=False, action="alert"),
            "allow contradicts deny",
        ),
        (None, "data.perennial.monitoring.decision"),
    ],
)
def test_a_monitor_does_nothing_about_another_answer(answer: Any, reason: str) -> None:
    reading = interpret(answer, "monitoring")
    assert (reading.outcome, reading.action) == ("error", "")
    assert reason in reading.reasons[0]


@pytest.mark.parametrize("missing", ALLOW)
def test_an_answer_that_lacks_anything_is_an_error(missing: str) -> None:
    answer = {key: value for key, value in ALLOW.items() if key != missing}
    assert interpret(answer).outcome == "error"


def test_an_error_names_the_policy_where_the_answer_does() -> None:
    assert interpret(changed(allow="yes")).policy_digest == DIGEST
    assert interpret(changed(policy_digest="abc")).policy_digest == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
nearly = st.fixed_dictionaries(
    {},
    optional={
        "allow": st.just(True) | json_values,
        "deny": st.just([]) | st.lists(st.text()) | json_values,
        "approvals_required": st.integers(-1, 3) | json_values,
        "approvals_missing": st.integers(-1, 3) | json_values,
        "policy_digest": st.just(DIGEST) | json_values,
        "more": json_values,
    },
)


@given(json_values | nearly)
def test_only_an_answer_that_is_exactly_right_allows(answer: Any) -> None:
    exactly_right = (
        isinstance(answer, dict)
        and answer.keys() == ALLOW.keys()
        and answer["allow"] is True
        and answer["deny"] == []
        and isinstance(answer["deny"], list)
        and type(answer["approvals_missing"]) is int
        and answer["approvals_missing"] == 0
        and type(answer["approvals_required"]) is int
        and answer["approvals_required"] >= 0
        and answer["policy_digest"] == DIGEST
    )
    reading = interpret(answer)
    assert (reading.outcome == "allow") == exactly_right
    assert bool(reading.reasons) != (reading.outcome == "allow")


@given(st.integers(0, 3), st.lists(st.text(min_size=1), max_size=2), st.data())
def test_whole_answers_are_never_errors(
    required: int, deny: list[str], data: st.DataObject
) -> None:
    missing = data.draw(st.integers(0, required))
    reading = interpret(
        {
            "allow": not deny and not missing,
            "deny": deny,
            "approvals_required": required,
            "approvals_missing": missing,
            "policy_digest": DIGEST,
        }
    )
    expected = "deny" if deny else "needs_approval" if missing else "allow"
    assert reading.outcome == expected
