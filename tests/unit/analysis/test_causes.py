"""Why a window is as it is, in words."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.analysis.causes import changed, what_moved
from perennial.contracts.causes import AnswersMoved, ColumnEffect, SegmentEffect, Upstream

BEFORE = Upstream(version=1, snapshot="a" * 64, code="b" * 64, policy="c" * 64, traffic={1: 100})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ()),
        ({"policy": ""}, ()),
        ({"policy": "d" * 64}, ("policy: cccccccccccc before, dddddddddddd now",)),
        ({"traffic": {1: 99, 2: 1}}, ()),
        ({"traffic": {}}, ()),
        (
            {"traffic": {1: 90, 2: 10}},
            (
                "traffic: version 1 100% before, 90% now",
                "traffic: version 2 0% before, 10% now",
            ),
        ),
        (
            {"version": 2, "snapshot": "e" * 64},
            (
                "version 2 answers, version 1 did before",
                "snapshot: aaaaaaaaaaaa before, eeeeeeeeeeee now",
                "code: the same",
            ),
        ),
        (
            {"version": 2, "code": ""},
            (
                "version 2 answers, version 1 did before",
                "snapshot: the same",
                "code: bbbbbbbbbbbb before, unknown now",
            ),
        ),
    ],
)
def test_what_changed_upstream(changes: dict[str, Any], said: tuple[str, ...]) -> None:
    assert changed(BEFORE, BEFORE.model_copy(update=changes)) == said


def test_what_moved_the_answers_and_whose() -> None:
    found = AnswersMoved(
        answer="probability.late",
        mean=0.3412,
        together=0.07,
        rows=1000,
        columns=(
            ColumnEffect(column="temp", change=0.0525, share=0.75),
            ColumnEffect(column="dewp", change=-0.0175, share=0.25),
        ),
    )
    assert what_moved(found) == (
        "mean probability.late 0.341, which temp 75% (+0.0525), dewp 25% (-0.0175) moved; all at "
        "once +0.07"
    )
    shares = {"EWR": 0.6, "JFK": 0.3, "LGA": 0.1}
    segments = tuple(
        SegmentEffect(segment=f"origin={name}", change=0.07 * share, share=share, rows=300)
        for name, share in shares.items()
    )
    assert what_moved(found.model_copy(update={"segments": segments})).endswith(
        "all at once +0.07, of which origin=EWR 60%, origin=JFK 30%, origin=LGA 10%"
    )
