"""A window of a champion's requests: judged once it is over, measured when its labels come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from perennial.contracts import ids, monitoring
from perennial.contracts.analysis import Assessment, Verdict
from perennial.contracts.drift import CARRIED, JudgedWindow, WindowVerdict
from perennial.contracts.errors import Unavailable
from perennial.contracts.monitoring_plan import QualityPlan
from perennial.contracts.spec import duration
from workflows.steps import options
from workflows.steps.ending import read_failure
from workflows.steps.log import tell_of_file

_WAITS = "windows-wait-for-the-log"
_PATIENCE = timedelta(minutes=10)


class Away(Exception):
    """Raised by a step: what it needs cannot be reached now; nothing was kept."""


async def judge_window(
    monitored: monitoring.Monitored, start: datetime, end: datetime
) -> tuple[JudgedWindow, monitoring.WindowJudged]:
    """Profile, compare, judge and keep a window: what is carried on of it, and all of it.

    A window that cannot be judged is an `error`, with the reason: whoever watches goes on.

    Raises:
        Away: what it is judged by cannot be reached, and may be back later.
    """
    try:
        judged = await workflow.execute_activity(
            monitoring.judge_window,
            monitoring.JudgeWindow(
                model=monitored.model,
                environment=monitored.environment,
                version=monitored.version,
                start=start,
                end=end,
                monitored=monitored,
            ),
            **options.compute(_PATIENCE),
            summary=f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}",
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        why, type_ = read_failure(error)
        if type_ == Unavailable.__name__ and workflow.patched(_WAITS):
            raise Away(why) from error
        broken = Assessment(verdict="error", reason=why)
        judged = monitoring.WindowJudged(
            rows=0, drift=WindowVerdict(verdict="error", reason=why, columns=broken)
        )
    await workflow.execute_local_activity(
        monitoring.record_window,
        monitoring.RecordWindow(
            effect=_effect(monitored, monitored.version, start, "judged"),
            model=monitored.model,
            environment=monitored.environment,
            version=monitored.version,
            start=start,
            end=end,
            judged=judged,
            at=workflow.now(),
        ),
        **options.record(),
        summary=f"{judged.drift.verdict}: {judged.rows:,} rows",
    )
    if judged.broken:
        await tell_of_file(monitored, judged.broken)
    carried = JudgedWindow(
        start=start,
        verdict=judged.drift.verdict,
        excess=judged.drift.excess,
        rows=judged.rows,
        reason=judged.drift.reason,
    )
    return carried, judged


class Measured(NamedTuple):
    """What labels say of a window.

    Attributes:
        quality: beside what was promised.
        concept: whether errors have grown, up to its end; None where that cannot be told.
    """

    quality: JudgedWindow
    concept: JudgedWindow | None


async def measure_labels(
    monitored: monitoring.Monitored, plan: QualityPlan, length: timedelta, until: datetime
) -> list[Measured]:
    """Join the labels that have come, and measure the windows that they are of.

    Returns:
        What the windows of the present champion say now, oldest first; none where no label came
        or the log is away: the next round looks again.
    """
    asked = monitoring.ReadMonitored(model=monitored.model, environment=monitored.environment)
    waiting = await workflow.execute_local_activity(
        monitoring.count_waiting_labels, asked, **options.record(), summary="labels that wait"
    )
    if not waiting.labels:
        return []
    try:
        joined = await workflow.execute_activity(
            monitoring.join_labels,
            monitoring.JoinLabels(
                model=monitored.model,
                environment=monitored.environment,
                window_seconds=length.total_seconds(),
                until=until,
                within_seconds=duration(plan.within).total_seconds(),
            ),
            **options.compute(_PATIENCE),
            summary=f"{waiting.labels:,} labels",
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("labels not joined: %s", read_failure(error)[0])
        return []
    if joined.broken:
        await tell_of_file(monitored, joined.broken)
    if not joined.windows:
        return []
    found = await workflow.execute_local_activity(
        monitoring.read_measured,
        monitoring.ReadMeasured(
            model=monitored.model, environment=monitored.environment, starts=joined.windows
        ),
        **options.record(),
        summary="which versions answered in them",
    )
    measured = [await _measure(monitored, plan, window) for window in found.windows]
    return [
        each
        for window, each in zip(found.windows, measured, strict=True)
        if each is not None and window.version == monitored.version
    ]


async def _measure(
    monitored: monitoring.Monitored, plan: QualityPlan, window: monitoring.MeasuredWindow
) -> Measured | None:
    # which windows drift is measured from is nothing to labels
    changes = {"version": window.version, "promised": window.promised, "rolling": ()}
    try:
        judged = await workflow.execute_activity(
            monitoring.judge_quality,
            monitoring.JudgeQuality(
                model=monitored.model,
                environment=monitored.environment,
                version=window.version,
                start=window.start,
                end=window.end,
                monitored=monitored.model_copy(update=changes),
                plan=plan,
            ),
            **options.compute(_PATIENCE),
            summary=f"labels of {window.start:%Y-%m-%d %H:%M}",
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        why = read_failure(error)[0]
        judged = monitoring.QualityJudged(rows=0, labelled=0, verdict="error", reason=why)
    at = workflow.now()
    try:
        await workflow.execute_local_activity(
            monitoring.record_quality,
            monitoring.RecordQuality(
                effect=_effect(monitored, window.version, window.start, f"quality {at}"),
                model=monitored.model,
                environment=monitored.environment,
                version=window.version,
                start=window.start,
                end=window.end,
                judged=judged,
                at=at,
            ),
            **options.record(),
            summary=f"{judged.verdict}: {judged.labelled:,} of {judged.rows:,} rows have labels",
        )
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("quality not kept: %s", read_failure(error)[0])
        return None
    concept = judged.concept
    told = None
    if concept is not None and concept.verdict != "no_data":
        told = _kept(window.start, concept.verdict, concept.excess, concept.reason)
    return Measured(_kept(window.start, judged.verdict, judged.excess, judged.reason), told)


def _kept(start: datetime, verdict: Verdict, excess: float, reason: str) -> JudgedWindow:
    return JudgedWindow(start=start, verdict=verdict, excess=excess, reason=reason)


def newest(
    known: Sequence[JudgedWindow], fresh: Sequence[JudgedWindow]
) -> tuple[JudgedWindow, ...]:
    """Windows with what is newly known of them: one of each start, oldest first.

    Those that say nothing take nobody's place, but for the newest: after a night without requests
    a model is judged by the day before.
    """
    once = {window.start: window for window in (*known, *fresh)}
    ordered = [once[start] for start in sorted(once)]
    telling = [window for window in ordered[:-1] if window.verdict != "no_data"]
    return (*telling[1 - CARRIED :], *ordered[-1:])


def _effect(monitored: monitoring.Monitored, version: int, start: datetime, what: str) -> str:
    return ids.effect(
        "window", monitored.model, monitored.environment, version, start.isoformat(), what
    )
