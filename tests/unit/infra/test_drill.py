"""The drill's plan and its judgement, without a stack."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from infra.drill.judge import differences
from infra.drill.life import Life
from infra.drill.plan import EVERYTHING, PROCESSES, STAGES, TRAINING, Cell, cells
from infra.drill.results import Result
from infra.drill.table import table
from perennial.cli.render import console

UNDISTURBED = Life(
    outcome="promoted",
    reason="version 1 is champion of production",
    error_type="",
    stages=("train passed", "gate staging passed", "promote staging passed"),
    promotions=Counter(staging=1, production=1),
    versions=1,
    registered=1,
    watched=Counter({"alert drift critical open": 1}),
    facts=Counter({'version.created snapshot="a1" version=1': 1, "champion.moved epoch=1": 2}),
)


def test_equal_lives_do_not_differ() -> None:
    assert differences(UNDISTURBED, replace(UNDISTURBED)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"outcome": "failed"}, "its outcome is 'failed' instead of 'promoted'"),
        (
            {"reason": "Ray is away"},
            "its reason is 'Ray is away' instead of 'version 1 is champion of production'",
        ),
        ({"error_type": "Timeout"}, "its error type is 'Timeout' instead of ''"),
        ({"promotions": Counter(staging=2, production=1)}, "staging was promoted to 2 times"),
        ({"promotions": Counter(staging=1)}, "production was promoted to 0 times instead of once"),
        (
            {"promotions": Counter(staging=1, production=1, testing=1)},
            "testing was promoted to once instead of 0 times",
        ),
        ({"versions": 2}, "2 versions in the records instead of 1"),
        ({"registered": 2}, "2 versions in MLflow instead of 1"),
        ({"registered": 0}, "0 versions in MLflow instead of 1"),
        ({"ledger_problem": "row 3: it was changed"}, "does not verify: row 3"),
        (
            {"facts": UNDISTURBED.facts + Counter({"champion.moved epoch=2": 1})},
            "fact too many: champion.moved epoch=2",
        ),
        (
            {"facts": UNDISTURBED.facts - Counter({"champion.moved epoch=1": 2})},
            "fact missing: champion.moved epoch=1 (2 times)",
        ),
        (
            {"watched": Counter({"alert drift critical open": 2})},
            "watched too many: alert drift critical open",
        ),
        (
            {"stages": ("train passed", "gate staging passed", "promote staging running")},
            "stage missing: promote staging passed",
        ),
        (
            {"stages": ("gate staging passed", "train passed", "promote staging passed")},
            "its stages came in another order",
        ),
    ],
)
def test_each_difference_is_said(changes: dict[str, Any], said: str) -> None:
    found = differences(UNDISTURBED, replace(UNDISTURBED, **changes))
    assert any(said in difference for difference in found), found


def test_another_snapshot_is_another_fact() -> None:
    other = Counter({'version.created snapshot="b2" version=1': 1, "champion.moved epoch=1": 2})
    assert len(differences(UNDISTURBED, replace(UNDISTURBED, facts=other))) == 2


def test_every_stage_is_hit_by_every_process_that_lives_in_it() -> None:
    every = cells()
    assert len(every) == len(set(every)) == len(STAGES) * (len(PROCESSES) - 1) + 1
    assert [cell.stage for cell in every if cell.process == TRAINING] == ["train"]
    assert {cell.stage for cell in every if cell.process == EVERYTHING} == set(STAGES)


@pytest.mark.parametrize(
    ("stages", "processes", "said"),
    [(["trian"], ["ml"], "no stage 'trian'"), (["train"], ["kafka"], "no process 'kafka'")],
)
def test_what_is_not_there_is_not_drilled(
    stages: list[str], processes: list[str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        cells(stages, processes)


def test_a_red_cell_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    results = [
        Result(Cell("train", "ml"), 12.34),
        Result(Cell("gate", "opa"), 5.0, ("2 versions in MLflow instead of 1",)),
    ]
    console().print(table(results))
    shown = capsys.readouterr().out
    assert "12.3" in shown
    assert "gate x opa: 2 versions in MLflow instead of 1" in shown
