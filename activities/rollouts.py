"""Watching: looks at what the data plane has counted, each interval, until something is decided.

The looks are made here and not in the workflow, whose history would grow by each of them: a guard
looks for weeks. What was seen travels in the heartbeat, so the next attempt goes on with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import Field
from temporalio import activity

from activities.pausing import pause
from perennial.analysis import guarding, late_labels, rolling
from perennial.analysis.late_labels import LateLabels
from perennial.contracts.analysis import Assessment, Counted, Lone
from perennial.contracts.base import Contract, Json, Utc
from perennial.contracts.deployments import ReadServing
from perennial.contracts.errors import PerennialError
from perennial.contracts.groups import WaitUntilLifted
from perennial.contracts.records import Done
from perennial.contracts.rollout import Guarded, GuardInput, Seen, Watch, Watched
from perennial.contracts.serving import CHAMPION, WHOLE, Deployment, Serving, Tally
from perennial.contracts.spec_part import duration
from perennial.contracts.store import RecordStore

_State = TypeVar("_State", bound=Contract)
_PAUSE_SECONDS = 2.0


class Watching(Contract):
    """A step's watch as its heartbeat carries it."""

    began: Utc
    served_at: Utc | None = Field(default=None, description="when every process first served it")
    seen: Seen


class Guarding(Contract):
    """A guard's watch as its heartbeat carries it."""

    tallies: tuple[Tally, ...] = ()
    errors: Lone = Lone()
    slow: Lone = Lone()
    labels: LateLabels = LateLabels()


class RolloutActivities:
    """Looks at rollouts and at champions that have just been rolled out."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    @activity.defn(name="watch_rollout")
    async def watch_rollout(self, input: Watch) -> Watched:
        """Look each interval until the step is decided.

        Its hold begins when every process serves it. `fail` and `error` end it at once. What a
        pause holds is told when its time is over, and is then watched until that is lifted.

        Raises:
            Unavailable: this worker shuts down; the next attempt goes on.
            RecordsUnavailable: the database is away.
        """
        plan, step = input.plan, input.plan.taken[max(input.step, 1) - 1]
        hold, longest = duration(step.hold), duration(plan.longest_hold)
        state = _resumed(Watching) or Watching(began=datetime.now(UTC), seen=input.seen)
        told: object = None
        while True:
            serving = await self._look(input.model, input.environment, input.since_epoch)
            deployment = serving.deployment
            if deployment is None or deployment.epoch != input.epoch:
                return Watched(
                    verdict="no_data",
                    reason=_moved(input.model, input.environment, serving),
                    seen=state.seen,
                    moved=True,
                )
            seen = rolling.looked(
                state.seen, serving.tallies, plan, deployment, serving.labelled, serving.met
            )
            found = rolling.assess(seen, plan, serving, deployment)
            now = datetime.now(UTC)
            served_at = state.served_at
            if served_at is None and not input.held and found["served"].verdict == "pass":
                served_at = now
            state = Watching(began=state.began, served_at=served_at, seen=seen)
            activity.heartbeat(state)
            whole = rolling.overall(found)
            ends = None if served_at is None else served_at + hold
            # each telling is an event of the run: not one for every look of a week
            news = ends, serving.held, {name: each.verdict for name, each in found.items()}
            if news != told:
                told = news
                await self._tell(input, serving, deployment, found, ends)
            failed = whole.verdict in ("fail", "error")
            passed = whole.verdict == "pass" and ends is not None and now >= ends
            late = now >= state.began + hold + longest
            if failed or (not serving.held if input.held else passed or late):
                return Watched(
                    verdict=whole.verdict,
                    reason=whole.reason,
                    assessments=found,
                    seen=seen,
                    held="" if failed else serving.held,
                )
            await pause(duration(plan.interval).total_seconds(), state)

    @activity.defn(name="watch_champion")
    async def watch_champion(self, input: GuardInput) -> Guarded:
        """Look each interval until the guard's time is over, or the champion is worse.

        Raises:
            Unavailable: this worker shuts down; the next attempt goes on.
            RecordsUnavailable: the database is away.
        """
        rolled, limit = input.rolled, input.plan.guardrails.quality
        begun = LateLabels() if rolled is None else LateLabels.after(rolled.seen)
        state = _resumed(Guarding) or Guarding(labels=begun)
        rails = [
            (name, bound)
            for name, bound in (("errors", input.errors), ("slow", input.slow))
            if bound is not None
        ]
        alpha = input.plan.alpha / max(len(rails) + (limit is not None), 1)
        since_epoch = input.since_epoch if rolled is None else rolled.since_epoch
        while True:
            serving = await self._look(input.model, input.environment, since_epoch)
            if serving.champion_epoch != input.epoch:
                return Guarded(
                    outcome="moved", reason=_moved(input.model, input.environment, serving)
                )
            state = _guarded(state, serving, input, alpha)
            activity.heartbeat(state)
            found: dict[str, Assessment] = {
                name: guarding.assess(name, getattr(state, name), bound, alpha)
                for name, bound in rails
            }
            if limit is not None and rolled is not None:
                found["quality"] = late_labels.assess(limit, state.labels, alpha)
            if failed := [each.reason for each in found.values() if each.verdict == "fail"]:
                return Guarded(outcome="breach", reason="; ".join(failed), assessments=found)
            if datetime.now(UTC) >= input.until:
                return Guarded(
                    outcome="over",
                    reason=f"version {input.version} kept within its bounds for {input.plan.guard}",
                    assessments=found,
                )
            await pause(duration(input.plan.interval).total_seconds(), state)

    @activity.defn(name="wait_until_lifted")
    async def wait_until_lifted(self, input: WaitUntilLifted) -> Done:
        """Look each few seconds whether a pause still holds one of these models.

        Raises:
            Unavailable: this worker shuts down; the next attempt goes on.
            RecordsUnavailable: the database is away.
        """
        while True:
            looks = [await self._look(model, input.environment, None) for model in input.models]
            if not any(serving.held for serving in looks):
                return Done()
            await pause(_PAUSE_SECONDS, input)

    async def _look(self, model: str, environment: str, since_epoch: int | None) -> Serving:
        asked = ReadServing.model_validate(
            {"model": model, "environment": environment, "since_epoch": since_epoch}
        )
        return await asyncio.to_thread(self._store.read_serving, asked)

    async def _tell(
        self,
        input: Watch,
        serving: Serving,
        deployment: Deployment,
        found: dict[str, Assessment],
        ends: datetime | None,
    ) -> None:
        """Show it on the run's stage: a view, so that it may fail."""
        view: Json = {
            "step": input.step,
            "steps": len(input.plan.taken),
            "weights": {each.name: each.weight / WHOLE for each in deployment.variants},
            "shadow": max(each.shadow for each in deployment.variants) / WHOLE,
            "assessments": {name: each.model_dump() for name, each in found.items()},
            "holds_until": None if ends is None else ends.isoformat(),
            "held": serving.held,
        }
        with contextlib.suppress(PerennialError):
            await asyncio.to_thread(
                self._store.report_progress, input.run_id, "rollout", datetime.now(UTC), view
            )


def _guarded(state: Guarding, serving: Serving, input: GuardInput, alpha: float) -> Guarding:
    mine = [
        tally
        for tally in serving.tallies
        if tally.variant == CHAMPION and tally.version == input.version
    ]
    requests, errors, slow = (
        sum(getattr(tally, name) for tally in mine)
        - sum(getattr(tally, name) for tally in state.tallies)
        for name in ("requests", "errors", "slow")
    )
    fresh = max(requests, 0)

    def counted(hits: int) -> Counted:
        return Counted(requests=fresh, hits=min(max(hits, 0), fresh))

    limit = input.plan.guardrails.quality
    return Guarding(
        labels=state.labels
        if limit is None
        else late_labels.seen(limit, state.labels, serving.labelled, input.version, alpha),
        tallies=tuple(mine),
        errors=guarding.seen(state.errors, input.errors or 0.0, counted(errors)),
        slow=guarding.seen(state.slow, input.slow or 0.0, counted(slow)),
    )


def _moved(model: str, environment: str, serving: Serving) -> str:
    now = serving.deployment
    shares = (
        "nothing"
        if now is None
        else ", ".join(f"{each.name} {each.version}" for each in now.variants)
    )
    return f"somebody else changed what {model} serves in {environment}: it is {shares} now"


def _resumed(kind: type[_State]) -> _State | None:
    """What an attempt before this one had seen."""
    details = activity.info().heartbeat_details
    if not details:
        return None
    return kind.model_validate(details[0])
