"""The monitor of an environment: watches its champions, window by window, for a model's life."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ActivityError

from perennial.analysis.lasting import last
from perennial.contracts import monitoring, policy
from perennial.contracts.drift import JudgedWindow
from perennial.contracts.label_sources import LabelsRead
from perennial.contracts.monitoring_plan import MonitoringPlan
from perennial.contracts.spec import duration
from perennial.windows import start_of
from workflows.steps import options
from workflows.steps.answering import Found, answer
from workflows.steps.label_table import read_table, tell_of_table
from workflows.steps.log import all_is_there, tell_of_log
from workflows.steps.run import ENVIRONMENT, STAGE
from workflows.steps.windows import Away, judge_window, measure_labels, newest

_LABELS_EVERY = timedelta(minutes=5)
"""How long labels wait at most where nobody says that they came: where events tell the time, and in
a table."""
_ASKS_ONCE = "monitors-ask-once"
_UNTOLD = timedelta(hours=6)
"""How long they wait should nobody say that they came: `keep_monitors` does, for all at once."""


@workflow.defn(
    name=monitoring.MONITOR_WORKFLOW, versioning_behavior=VersioningBehavior.AUTO_UPGRADE
)
class MonitoringWorkflow:
    """One for each environment that a spec has watched. Its state is one value."""

    @workflow.init
    def __init__(self, state: monitoring.MonitorState) -> None:
        self._state = state
        self._look = False
        self._oldest: datetime | None = None
        self._judged: monitoring.WindowJudged | None = None
        self._passed_over = 0
        self._asked: tuple[object, ...] | None = None
        self._said = "no window was judged yet"
        self._read_labels = LabelsRead()

    @workflow.signal(name=monitoring.LOOK_AGAIN)
    def look_again(self) -> None:
        """The champion, the spec or the labels are others than they were."""
        self._look = True

    @workflow.run
    async def run(self, state: monitoring.MonitorState) -> str:
        """Watch until there is nothing to watch any more."""
        workflow.upsert_search_attributes(
            [STAGE.value_set("monitoring"), ENVIRONMENT.value_set(state.environment)]
        )
        while True:
            self._look = False
            monitored = await self._read()
            plan = monitored.plan
            if plan is None:
                if self._look:  # a champion came meanwhile
                    continue
                return f"nothing of {state.model} is watched in {state.environment} any more"
            self._begin(monitored)
            self._passed_over += self._catch_up(monitored, plan)
            judged = await self._judge_next(monitored, plan)
            # once a round: windows that are caught up with follow each other without a pause
            if not judged:
                await self._read_table(plan)
            if await self._measure(monitored, plan) or judged:
                await self._answer(monitored, plan)
            self._show(monitored)
            if workflow.info().is_continue_as_new_suggested() and not self._look:
                workflow.continue_as_new(self._state)
            if not judged and not self._read_labels.more:
                await self._wait(monitored, plan)

    @workflow.query(name="state")
    def state(self) -> monitoring.MonitorState:
        """What the workflow carries."""
        return self._state

    async def _read(self) -> monitoring.Monitored:
        found: monitoring.Monitored = await workflow.execute_local_activity(
            monitoring.read_monitored,
            monitoring.ReadMonitored(model=self._state.model, environment=self._state.environment),
            **options.record(),
            summary="what is watched",
        )
        return found

    def _begin(self, monitored: monitoring.Monitored) -> None:
        """What windows said of another champion is not held against this one."""
        if monitored.epoch != self._state.epoch:
            self._put(
                epoch=monitored.epoch, drift=(), quality=(), concept=(), first=None, alerted=()
            )

    def _now(self, plan: MonitoringPlan) -> datetime | None:
        return workflow.now() if plan.clock == "wall" else self._state.newest

    def _due(self, plan: MonitoringPlan, start: datetime) -> datetime:
        return start + duration(plan.window) + duration(plan.lateness)

    def _catch_up(self, monitored: monitoring.Monitored, plan: MonitoringPlan) -> int:
        """Pass over what is too long ago; how many windows that were."""
        length, start, now = duration(plan.window), self._state.next_start, self._now(plan)
        if start is None:
            since = monitored.since if plan.clock == "wall" else self._oldest
            if since is not None and monitored.judged_until is not None:
                since = monitored.judged_until  # it goes on where one before it ended
            start = start_of(since, length) if since is not None else None
            self._put(next_start=start)
        if start is None or now is None:
            return 0
        behind = (now - duration(plan.lateness) - start) // length - plan.catch_up
        if behind <= 0:
            return 0
        self._put(next_start=start + behind * length)
        return behind

    async def _judge_next(self, monitored: monitoring.Monitored, plan: MonitoringPlan) -> bool:
        """Judge the window whose turn it is, if it is over. One at a time: much may change."""
        start, now = self._state.next_start, self._now(plan)
        if start is None or now is None or now < self._due(plan, start):
            return False
        end = start + duration(plan.window)
        try:
            judged, self._judged = await judge_window(monitored, start, end)
        except Away as away:
            await self._wait_for_log(monitored, str(away))
            return False
        if self._state.log_away is not None:
            self._put(log_away=None)
            await all_is_there(monitored)
        self._put(
            next_start=end,
            first=self._state.first or start,
            drift=newest(self._state.drift, [judged]),
        )
        return True

    async def _wait_for_log(self, monitored: monitoring.Monitored, why: str) -> None:
        """The window is judged in a later round; how many may wait so long says the plan."""
        self._said = f"windows wait: {why}"
        since = self._state.log_away or workflow.now()
        self._put(log_away=since)
        await tell_of_log(monitored, why, since)

    async def _read_table(self, plan: MonitoringPlan) -> None:
        """What the spec's table has of new labels, once there is a window that they may be of."""
        model, found = self._state.model, LabelsRead()
        if plan.labels is not None:
            if self._state.first is None:
                return
            found = await read_table(model, plan.labels)
        self._read_labels = found
        self._put(labels_away=await tell_of_table(model, found, self._state.labels_away))

    async def _measure(self, monitored: monitoring.Monitored, plan: MonitoringPlan) -> bool:
        until = self._state.next_start
        if plan.quality is None or until is None or self._state.first is None:
            return False
        measured = await measure_labels(monitored, plan.quality, duration(plan.window), until)
        # few labels say nothing yet, and must not stand before older windows that have many
        known = [each.quality for each in measured if each.quality.verdict != "no_data"]
        errors = [each.concept for each in measured if each.concept is not None]
        self._put(
            quality=newest(self._state.quality, known),
            concept=newest(self._state.concept, errors),
        )
        return bool(known)

    async def _answer(self, monitored: monitoring.Monitored, plan: MonitoringPlan) -> None:
        drift = _watched(self._state.drift, plan)
        if drift is None:
            return
        if drift.verdict == "no_data" and not self._state.quality:
            self._said = drift.reason
            return
        labelled, errors = (self._recent(of, plan) for of in _by_labels(self._state, plan))
        quality, concept = _watched(labelled, plan), _watched(errors, plan)
        window = self._state.drift[-1]
        end = window.start + duration(plan.window)
        now = self._now(plan) or end
        since = monitored.since if plan.clock == "wall" else self._state.first
        armed = since is not None and now < since + timedelta(seconds=monitored.guard_seconds)
        said = [each and (each.verdict, each.severity) for each in (drift, quality, concept)]
        asked = (window.start, armed, monitored.back_to, monitored.retraining, plan.dry_run, *said)
        # labels that trickle in would ask the same of the same window again and again
        if asked == self._asked and workflow.patched(_ASKS_ONCE):
            return
        answered = await answer(
            monitored,
            Found(
                window=window,
                judged=self._judged,
                alerted=self._state.alerted,
                end=end,
                now=now,
                labelled=labelled[-1] if labelled else None,
                drift=drift,
                quality=quality,
                concept=concept,
                armed=armed,
                passed_over=self._passed_over,
            ),
        )
        self._said, self._passed_over = answered.said, 0
        self._put(alerted=answered.alerted)
        self._asked = asked if answered.decided else None

    def _recent(
        self, windows: Sequence[JudgedWindow], plan: MonitoringPlan
    ) -> tuple[JudgedWindow, ...]:
        """Those that labels may still come for, and some before: older ones say nothing of now."""
        if plan.quality is None:
            return ()
        oldest = duration(plan.quality.within) + plan.lasting.of * duration(plan.window)
        since = self._state.drift[-1].start - oldest
        return tuple(window for window in windows if window.start >= since)

    async def _wait(self, monitored: monitoring.Monitored, plan: MonitoringPlan) -> None:
        """Until a window is over, or something is said to be other than it was."""
        if plan.clock == "events":
            await self._wait_for_events(plan)
            return
        start = self._state.next_start
        left = self._due(plan, start) - workflow.now() if start else timedelta(0)
        # a table says nothing of its labels by itself
        longest = _UNTOLD if plan.labels is None or self._state.first is None else _LABELS_EVERY
        left = max(min(left, longest), timedelta(seconds=1))
        try:
            await workflow.wait_condition(
                lambda: self._look, timeout=left, timeout_summary="until the window is over"
            )
        except TimeoutError:
            return

    async def _wait_for_events(self, plan: MonitoringPlan) -> None:
        start = self._state.next_start
        waiting = workflow.start_activity(
            monitoring.await_events,
            monitoring.AwaitEvents(
                model=self._state.model,
                environment=self._state.environment,
                due=self._due(plan, start) if start is not None else None,
            ),
            **options.watch(),
            summary="until the log has later requests",
        )
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._look or waiting.done(),
                timeout=_LABELS_EVERY,
                timeout_summary="labels may have come",
            )
        if not waiting.done():
            waiting.cancel()
            with contextlib.suppress(ActivityError):
                await waiting
            return
        seen = waiting.result()
        self._oldest = seen.oldest
        self._put(newest=seen.newest)

    def _put(self, **changes: object) -> None:
        self._state = self._state.model_copy(update=changes)

    def _show(self, monitored: monitoring.Monitored) -> None:
        until = self._state.next_start
        workflow.set_current_details(
            f"**version {monitored.version}** of {monitored.model} in {monitored.environment}, "
            f"judged until {f'{until:%Y-%m-%d %H:%M}' if until else 'now: nothing'}\n\n{self._said}"
            + (f"\n\nlabels wait: {away}" if (away := self._read_labels.error) else "")
        )


def _by_labels(
    state: monitoring.MonitorState, plan: MonitoringPlan
) -> tuple[Sequence[JudgedWindow], Sequence[JudgedWindow]]:
    """Quality, and errors where the plan has them judged."""
    judged = plan.quality is not None and plan.quality.concept is not None
    return state.quality, state.concept if judged else ()


def _watched(windows: Sequence[JudgedWindow], plan: MonitoringPlan) -> policy.Watched | None:
    """What they say together; None where there are none."""
    if not windows:
        return None
    lasting = last(windows, plan.lasting)
    return policy.Watched(
        verdict=lasting.verdict,
        severity=lasting.severity,
        reason=lasting.reason,
        newest=windows[-1].reason,
    )
