"""Which parameters are tried, in which order, and which trial was best. Follows from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from perennial.contracts.search import Goal, Trial
from perennial.contracts.search_plan import OF_TRAINING, Dimension, SearchPlan
from perennial.contracts.spec import Param, Training

_TRIES = 50


def draw(plan: SearchPlan, seed: int) -> list[dict[str, Param]]:
    """The parameters of each trial, no set twice; fewer than asked for where there are no more."""
    chance = random.Random(seed)
    found: dict[tuple[Param, ...], dict[str, Param]] = {}
    for _ in range(plan.trials * _TRIES):
        drawn = {name: _one(chance, dimension) for name, dimension in plan.space.items()}
        found.setdefault(tuple(drawn.values()), drawn)
        if len(found) == plan.trials:
            break
    return list(found.values())


def _one(chance: random.Random, dimension: Dimension) -> Param:
    if dimension.values is not None:
        return chance.choice(dimension.values)
    assert dimension.min is not None and dimension.max is not None  # as its validator has it
    if dimension.log:
        value = math.exp(chance.uniform(math.log(dimension.min), math.log(dimension.max)))
    else:
        value = chance.uniform(dimension.min, dimension.max)
    value = min(max(value, dimension.min), dimension.max)
    return round(value) if dimension.whole else float(f"{value:.6g}")


def applied(training: Training, params: Mapping[str, Param]) -> Training:
    """A plan with parameters in it.

    Raises:
        ValueError: one of them is no such parameter of a training, such as a batch of 0 rows.
    """
    own = {name: value for name, value in params.items() if name in OF_TRAINING}
    others = {name: value for name, value in params.items() if name not in OF_TRAINING}
    try:
        return Training.model_validate(
            {**training.model_dump(), **own, "params": {**training.params, **others}}
        )
    except ValidationError as error:
        said = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ValueError("; ".join(said)) from error


def best(trials: Sequence[Trial], goal: Goal) -> Trial | None:
    """The best of those that finished, by the score of what they would keep; the first of equals.

    Where none finished, of those that came furthest: one that was stopped before has a score of
    another epoch, which compares with nothing. One that learnt no more has finished, at any epoch.
    """
    scored = [trial for trial in trials if trial.scores and trial.state != "failed"]
    if not scored:
        return None
    furthest = max(len(trial.scores) for trial in scored)
    compared = [trial for trial in scored if trial.state == "finished"] or [
        trial for trial in scored if len(trial.scores) == furthest
    ]
    sign = 1 if goal == "minimize" else -1
    return min(compared, key=lambda trial: (sign * (trial.score or 0), trial.number))
