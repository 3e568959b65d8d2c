"""Whether a wish to train a model again is followed: within a budget, and never as a storm.

Asked at each wish, with all that has come of the ones before it; nothing is kept here. What a
person asks for by hand needs no leave, and counts as what has been.

Back-off is exponential, as in every protocol with retries; the storm breaker is a circuit breaker
(Nygard, "Release It!", 2007) over all models: where many want the same at once, they have one cause
upstream, and training all of them anew would learn its mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from perennial.contracts.retraining import Governed, Retrain, RetrainLimits, Rule, Wish
from perennial.contracts.spec_part import duration

PERIOD = timedelta(days=30)
HOUR = timedelta(hours=1)
_LONGEST = timedelta(days=30)

_Wait = tuple[datetime, Rule, str]


def govern(
    wish: Wish, past: Sequence[Retrain], wishes: Sequence[Wish], limits: RetrainLimits
) -> Governed:
    """Decide on one wish.

    Args:
        wish: that is made now.
        past: the model's runs in any order, those of the last 30 days and some before. None started
            after the wish.
        wishes: of all models in the last hour, with or without this one.
        limits: of the model.
    """
    runs = sorted(past, key=lambda run: run.started)
    return (
        _same_rows(wish, runs)
        or _running(runs)
        or _failing(runs, limits)
        or _storm(wish, wishes, limits)
        or _dear(wish, limits)
        or _later(wish, runs, limits)
        or Governed(decision="allow", reason=_allowed(wish, runs, limits))
    )


def _same_rows(wish: Wish, runs: Sequence[Retrain]) -> Governed | None:
    for run in reversed(runs):
        # a run that failed has not learnt from its rows
        if wish.snapshot in (run.snapshot, run.learnt) and run.outcome != "failed":
            return Governed(
                decision="wait",
                rule="snapshot",
                reason=f"the run of {run.started:%Y-%m-%d %H:%M} had the same rows (snapshot "
                f"{wish.snapshot[:12]}) and is {run.outcome}; there is nothing new to learn",
            )
    return None


def _running(runs: Sequence[Retrain]) -> Governed | None:
    if under_way := [run for run in runs if run.outcome == "running"]:
        began = under_way[-1].started
        reason = f"the run of {began:%Y-%m-%d %H:%M} has not ended yet"
        return Governed(decision="wait", rule="running", reason=reason)
    return None


def _failing(runs: Sequence[Retrain], limits: RetrainLimits) -> Governed | None:
    count = len(_in_a_row(runs))
    if count < limits.failures:
        return None
    return Governed(
        decision="ask",
        rule="failures",
        reason=f"the last {count} runs did not end in a champion, {limits.failures} are enough: "
        f"see why, and start a run by hand; one that is promoted opens this again",
    )


def _storm(wish: Wish, wishes: Sequence[Wish], limits: RetrainLimits) -> Governed | None:
    if wish.cause == "schedule":
        return None  # models that have one time of day have no other cause
    models = {
        each.model
        for each in wishes
        if wish.at - HOUR < each.at <= wish.at and each.cause != "schedule"
    } | {wish.model}
    if len(models) <= limits.storm:
        return None
    return Governed(
        decision="ask",
        rule="storm",
        reason=f"{len(models)} models want to be trained again within an hour, {limits.storm} may: "
        f"look for one cause upstream of all of them first",
    )


class _Hours(NamedTuple):
    """What runs take of processors that are limited."""

    kind: str
    limit: float
    of: Callable[[Wish | Retrain], float]


def _limited(limits: RetrainLimits) -> list[_Hours]:
    found = []
    if limits.cpu_hours is not None:
        found.append(_Hours("CPU", limits.cpu_hours, lambda each: each.cpu_hours))
    if limits.gpu_hours is not None:
        found.append(_Hours("GPU", limits.gpu_hours, lambda each: each.gpu_hours))
    return found


def _dear(wish: Wish, limits: RetrainLimits) -> Governed | None:
    for kind, limit, of in _limited(limits):
        if of(wish) > limit:
            return Governed(
                decision="ask",
                rule="budget",
                reason=f"the run takes about {of(wish):g} {kind} hours, more than the "
                f"{limit:g} of 30 days",
            )
    return None


def _later(wish: Wish, runs: Sequence[Retrain], limits: RetrainLimits) -> Governed | None:
    """The last of all moments that have to be waited for."""
    waits = [*_cooldown(runs, limits), *_back_off(runs, limits), *_budget(wish, runs, limits)]
    waits = [wait for wait in waits if wait[0] > wish.at]
    if not waits:
        return None
    until, rule, reason = max(waits, key=lambda wait: wait[0])
    told = f"{reason}; from {until:%Y-%m-%d %H:%M} on"
    return Governed(decision="wait", rule=rule, until=until, reason=told)


def _cooldown(runs: Sequence[Retrain], limits: RetrainLimits) -> list[_Wait]:
    if not runs:
        return []
    began = runs[-1].started
    reason = f"the last run began {began:%Y-%m-%d %H:%M}, and {limits.cooldown} lie between two"
    return [(began + duration(limits.cooldown), "cooldown", reason)]


def _back_off(runs: Sequence[Retrain], limits: RetrainLimits) -> list[_Wait]:
    failed = _in_a_row(runs)
    if not failed:
        return []
    first = duration(limits.back_off)
    pause = min(first * 2 ** min(len(failed) - 1, 20), max(first, _LONGEST))
    reason = f"the last {len(failed)} runs did not end in a champion, so {pause} pass"
    return [((failed[-1].ended or failed[-1].started) + pause, "back_off", reason)]


def _budget(wish: Wish, runs: Sequence[Retrain], limits: RetrainLimits) -> list[_Wait]:
    recent = [run for run in runs if run.started > wish.at - PERIOD]
    waits: list[_Wait] = []
    if len(recent) >= limits.runs:
        # so many have to be older than the period that one more fits
        oldest = recent[len(recent) - limits.runs]
        reason = f"{len(recent)} runs in 30 days, {limits.runs} may be"
        waits.append((oldest.started + PERIOD, "budget", reason))
    for kind, limit, of in _limited(limits):
        hours = [of(run) for run in recent]
        reason = (
            f"{sum(hours):g} {kind} hours in 30 days and about {of(wish):g} more, {limit:g} may be"
        )
        for place, run in enumerate(recent):
            if sum(hours[place:]) + of(wish) <= limit:
                break
            waits.append((run.started + PERIOD, "budget", reason))
    return waits


def _in_a_row(runs: Sequence[Retrain]) -> list[Retrain]:
    """The newest runs that ended without a champion."""
    failed: list[Retrain] = []
    for run in reversed(runs):
        if run.outcome not in ("rejected", "failed"):
            break
        failed.insert(0, run)
    return failed


def _allowed(wish: Wish, runs: Sequence[Retrain], limits: RetrainLimits) -> str:
    count = sum(run.started > wish.at - PERIOD for run in runs)
    return f"{wish.cause}: run {count + 1} of {limits.runs} in 30 days"
