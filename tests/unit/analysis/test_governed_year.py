"""A year of drift that comes and goes, window by window: verdicts, wishes, runs, people."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from perennial.analysis.governing import HOUR, PERIOD, govern
from perennial.analysis.judging import judge
from perennial.analysis.lasting import last
from perennial.contracts.drift import (
    ColumnDrift,
    DriftLimits,
    JudgedWindow,
    LastingPlan,
    Side,
    WindowDrift,
)
from perennial.contracts.retraining import Retrain, RetrainLimits, Wish

START = datetime(2023, 1, 1, tzinfo=UTC)
LIMITS = RetrainLimits(cooldown="24h", runs=6, cpu_hours=24, back_off="6h", failures=3)
TAKES = 3 * HOUR
SIDE = Side(rows=5000)


def window(hour: int, rng: random.Random) -> WindowDrift:
    """Drift that swings with a period of nine days, and is noisy; at night nobody asks."""
    psi = max(0.0, 0.25 + 0.25 * math.sin(hour * math.tau / (9 * 24)) + rng.gauss(0, 0.06))
    column = ColumnDrift(
        column="delay", kind="number", psi=psi, chance=0.004, reference=SIDE, window=SIDE
    )
    rows = 100 if hour % 24 < 4 else 5000
    return WindowDrift(rows=rows, reference_rows=5000, columns=(column,))


def lived(days: int, seed: int) -> tuple[list[Retrain], dict[str, int], list[datetime]]:
    """All runs, how often each answer was given to a wish, and when a person had to help."""
    rng, plan = random.Random(seed), LastingPlan()
    windows: list[JudgedWindow] = []
    runs: list[Retrain] = []
    answers: dict[str, int] = {}
    helped: list[datetime] = []
    for hour in range(days * 24):
        at = START + hour * HOUR
        if runs and runs[-1].outcome == "running" and at >= runs[-1].started + TAKES:
            outcome = rng.choice(["promoted", "promoted", "rejected", "failed"])
            ended = {"outcome": outcome, "ended": at}
            runs[-1] = Retrain.model_validate(runs[-1].model_dump() | ended)
        judged = judge(window(hour, rng), DriftLimits())
        windows.append(JudgedWindow(start=at, verdict=judged.verdict, excess=judged.excess))
        if last(windows[-10:], plan).verdict != "fail":
            continue
        rows = f"{hour // 2:064x}"  # new ones every other hour
        wish = Wish(model="flights", cause="drift", snapshot=rows, at=at, cpu_hours=5)
        found = govern(wish, runs, [wish], LIMITS)
        answers[found.rule or found.decision] = answers.get(found.rule or found.decision, 0) + 1
        if found.decision == "allow":
            runs.append(Retrain(snapshot=wish.snapshot, started=at, cpu_hours=5))
        elif found.decision == "ask" and rng.random() < 0.05:  # within a day or so
            helped.append(at)
            by_hand = Retrain(
                snapshot=wish.snapshot, started=at, ended=at + HOUR, outcome="promoted", cpu_hours=5
            )
            runs.append(by_hand)
    return runs, answers, helped


def test_a_year_of_drift_that_comes_and_goes_stays_within_its_budget() -> None:
    runs, answers, helped = lived(365, seed=7)
    governed = [run.started for run in runs if run.started not in helped]
    for at in governed:
        recent = [run for run in runs if at - PERIOD < run.started <= at]
        assert len(recent) <= LIMITS.runs
        assert sum(run.cpu_hours for run in recent) <= 24
    for before, after in pairwise(run.started for run in runs):
        assert after in helped or after - before >= timedelta(hours=24)
    assert sum(answers.values()) > 2000, "drift that nobody asks about would stay in any budget"
    assert set(answers) >= {"allow", "budget", "cooldown", "snapshot", "running", "failures"}
    # four a month is what the CPU hours are enough for
    assert 30 <= len(governed) <= 4 * 13 and helped


def test_the_same_life_ends_the_same() -> None:
    assert lived(60, seed=7) == lived(60, seed=7) != lived(60, seed=8)
