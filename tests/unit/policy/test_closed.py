"""Missing or mangled evidence never allows: every field of a good question is taken away once."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perennial.contracts.base import Json
from perennial.policy_answer import interpret
from perennial.policy_bundle import evaluate
from tests.questions import RULES, as_input, monitoring_question, question, rollout_question

Where = tuple[str | int, ...]
GONE = object()

# What no rule judges, and what may well not be there.
FREE = re.compile(
    r"task|owners(/.*)?|requester|champion/epoch"
    r"|evidence/answers|evidence/params(/.*)?|evidence/validation/(rows|violations|warnings|classes(/.*)?|shared_rows|contradictions)"
    r"|evidence/code/(lock_digest|platform_digest|installed)|evidence/parity/(rows|output|sorts)"
    r"|modes/\w+|rules/\d+(/(min|environments))?"
    r"|evidence/examined/(samples|confidence|details|calibration/(brier|bins)|robustness/rows)"
    r"|evidence/examined/robustness/(undisturbed|strains/noise/(value|column))"
    r"|evidence/examined/groups/sex/(smallest|unlisted|note|groups/\d(/(value|rows|judged))?)"
    r"|evidence/examined/paired/3/probability_better"
    r"|evidence/speed/(p50_ms_1|p50_ms_64|p99_ms_64|rows_per_second|threads)"
    r"|evidence/(int8|search)"
    r"|evidence/dependencies/(why|source|packages|vulnerable|checked_at)"
    r"|thresholds/0|thresholds/0/(max|environments)|votes/\d/(at|comment)"
)


def places(value: Any, at: Where = ()) -> Iterator[Where]:
    """Every key and list item below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        here = (*at, key)
        yield here
        if isinstance(item, dict | list):
            yield from places(item, here)


def put(document: Json, where: Where, value: Any) -> Json:
    mangled = copy.deepcopy(document)
    parent: Any = mangled
    for key in where[:-1]:
        parent = parent[key]
    if value is GONE:
        del parent[where[-1]]
    else:
        parent[where[-1]] = value
    return mangled


def name(where: Where) -> str:
    return "/".join(map(str, where))


@pytest.fixture(scope="module")
def good() -> Json:
    """High risk in production, where everything is asked for."""
    return as_input(question(risk_tier="high", approvers=("bob", "eve"), rules=RULES))


@pytest.fixture(scope="module")
def judged(good: Json) -> list[Where]:
    return [where for where in places(good) if not FREE.fullmatch(name(where))]


def test_most_of_a_question_is_judged(good: Json, judged: list[Where]) -> None:
    assert len(judged) == 205
    assert len(list(places(good))) - len(judged) == 112


MANGLED = [
    pytest.param(GONE, id="gone"),
    pytest.param(None, id="null"),
    pytest.param("", id="empty text"),
    pytest.param({"x": 1}, id="object"),
    pytest.param([None], id="list"),
    pytest.param(True, id="true"),
]


@pytest.mark.parametrize("value", MANGLED)
async def test_what_is_missing_or_mangled_is_never_allowed(
    value: Any, good: Json, judged: list[Where], bundle: Path, opa: str
) -> None:
    mangled = {name(where): put(good, where, value) for where in judged}
    as_before = json.dumps(good)
    if value is None:
        del mangled["champion"]  # there may be none
    if value is True:
        del mangled["hotfix"]  # there may be haste, and the approvals that it needs are there
    if value == {"x": 1}:
        del mangled["modes"]  # what is not said of a check is enforced
    mangled = {where: each for where, each in mangled.items() if json.dumps(each) != as_before}
    answers = await evaluate(bundle, [good, *mangled.values()], opa)
    assert interpret(answers[0]).outcome == "allow"
    outcomes = {
        where: interpret(answer).outcome for where, answer in zip(mangled, answers[1:], strict=True)
    }
    assert {where for where, outcome in outcomes.items() if outcome == "allow"} == set()
    # no policy decides on another kind of question
    assert {where for where, outcome in outcomes.items() if outcome == "error"} <= {"kind"}


@pytest.fixture(scope="module")
def good_rollout() -> Json:
    """The very first step, which has a limit of its own, beyond which only a person goes."""
    return as_input(rollout_question(step=1, errors="inconclusive", ruled_by="bob"))


# What the rollout's rules do not judge: an assessment may be left out, if another one is there.
FREE_OF_A_ROLLOUT = re.compile(r"assessments/split|ruling/(at|comment)")


@pytest.mark.parametrize("value", MANGLED)
async def test_what_is_missing_of_a_rollout_is_never_allowed(
    value: Any, good_rollout: Json, bundle: Path, opa: str
) -> None:
    judged = [
        where for where in places(good_rollout) if not FREE_OF_A_ROLLOUT.fullmatch(name(where))
    ]
    assert len(judged) == 29
    mangled = {name(where): put(good_rollout, where, value) for where in judged}
    if value == "":
        del mangled["requester"]  # the author may have asked
    as_before = json.dumps(good_rollout)
    mangled = {where: each for where, each in mangled.items() if json.dumps(each) != as_before}
    answers = await evaluate(bundle, [good_rollout, *mangled.values()], opa)
    assert interpret(answers[0]).outcome == "allow"
    outcomes = {
        where: interpret(answer).outcome for where, answer in zip(mangled, answers[1:], strict=True)
    }
    # no policy decides on another kind of question, and one without a kind is a promotion's
    assert outcomes.pop("kind") == ("deny" if value is GONE else "error")
    assert set(outcomes.values()) == {"deny"}


@pytest.mark.parametrize("value", MANGLED)
async def test_what_is_missing_of_a_window_is_never_ignored(
    value: Any, bundle: Path, opa: str
) -> None:
    calm = as_input(monitoring_question())
    judged = [where for where in places(calm) if not re.fullmatch(r"retraining/\d", name(where))]
    assert len(judged) == 29
    mangled = {name(where): put(calm, where, value) for where in judged}
    if value is None:
        del mangled["quality"], mangled["back_to"]  # there may be none
    if value is None or value is GONE:
        del mangled["concept"]  # questions from before it was judged have none
    if value == "":
        for watched in ("drift", "quality", "concept"):
            del mangled[f"{watched}/newest"]  # it may say nothing by itself
    if value is True:
        # being armed changes nothing of a window that passes, nor does a dry run
        del mangled["armed"], mangled["dry_run"]
    answers = await evaluate(bundle, [calm, *mangled.values()], opa)
    readings = {
        where: interpret(answer, "monitoring")
        for where, answer in zip(["", *mangled], answers, strict=True)
    }
    assert readings.pop("")[0] == "allow"
    # no policy decides on another kind of question, and one without a kind is a promotion's
    assert readings.pop("kind").outcome == "error"
    told = {where: (each.outcome, each.action) for where, each in readings.items()}
    assert told == dict.fromkeys(readings, ("deny", "alert"))


async def test_every_reason_names_something(
    good: Json, judged: list[Where], bundle: Path, opa: str
) -> None:
    """A denial says what is missing, even where it cannot say its value."""
    answers = await evaluate(bundle, [put(good, where, GONE) for where in judged], opa)
    for where, answer in zip(judged, answers, strict=True):
        if where[0] == "votes" and len(where) > 1:
            assert interpret(answer).outcome == "needs_approval"
        else:
            told = " ".join(interpret(answer).reasons)
            lost = "the evidence has no"
            rule = "a rule is on nothing"
            words = (str(where[-1]), "batch size", "committed", "champion version 3", lost, rule)
            assert any(word in told for word in words), (where, told)
