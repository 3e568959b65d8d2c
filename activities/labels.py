"""Late labels: they find their requests, and windows are measured by them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from temporalio import activity

from activities.work import in_thread, loading
from perennial.contracts.concept import WindowKey
from perennial.contracts.errors import Unavailable
from perennial.contracts.labels import LookedFor, WaitingLabel
from perennial.contracts.monitoring import (
    JoinLabels,
    JudgeQuality,
    LabelsJoined,
    QualityJudged,
)
from perennial.contracts.spec_part import Environment
from perennial.contracts.store import RecordStore

if TYPE_CHECKING:
    from activities.modelling.requests.answers_log import AnswersLog

_BATCH = 20_000
_EARLIER = 60
"""Windows of the champion whose errors stand before those of a window."""
_SOONEST = timedelta(seconds=10)
_LATEST = timedelta(hours=6)


class LabelActivities:
    """Reads the log of requests beside the labels of the records."""

    def __init__(self, log: str, store: RecordStore) -> None:
        self._log = log
        self._store = store

    @activity.defn(name="join_labels")
    async def join_labels(self, input: JoinLabels) -> LabelsJoined:
        """Find requests."""
        return await in_thread(self._join, input)

    @activity.defn(name="judge_quality")
    async def judge_quality(self, input: JudgeQuality) -> QualityJudged:
        """Measure a window, and keep that it was measured with these labels."""
        return await in_thread(self._judge, input)

    def _join(self, input: JoinLabels) -> LabelsJoined:
        model, environment, now = input.model, input.environment, datetime.now(UTC)
        within = timedelta(seconds=input.within_seconds)
        with loading():
            from activities.modelling.requests.answers_log import AnswersLog
        log = AnswersLog(self._log, environment, model)
        broken: list[str] = []
        try:
            joined = find_due(
                self._store, log, model, environment, now, within, input.until - within, broken
            )
        except OSError as error:
            raise away(self._log, model, error) from error
        return LabelsJoined(
            windows=self._windows(input, input.until - within),
            joined=joined,
            waiting=self._store.count_labels(model).waiting,
            broken=broken[0] if broken else "",
        )

    def _windows(self, input: JoinLabels, since: datetime) -> tuple[datetime, ...]:
        """Those to be measured. The log may not hold older ones any more: what they were stands."""
        model, environment = input.model, input.environment
        length = timedelta(seconds=input.window_seconds)
        windows = self._store.windows_to_measure(model, environment, length, input.until)
        for start in windows:
            if start < since:
                labels = self._store.labels_of(model, environment, start, start + length)
                self._store.mark_measured(model, [each for each in labels if not each.measured])
        return tuple(start for start in windows if start >= since)

    def _judge(self, input: JudgeQuality) -> QualityJudged:
        with loading():
            from activities.modelling.labels.live_quality import judge
            from activities.modelling.projects import load_project
            from activities.modelling.requests.answers_log import AnswersLog, read_answers

            project = load_project(input.monitored.project)
        model, start, end = input.model, input.start, input.end
        labels = self._store.labels_of(model, input.environment, start, end)
        try:
            log = AnswersLog(self._log, input.environment, model)
            answers = read_answers(log, input.version, start, end, columns=input.plan.groups)
        except OSError as error:
            raise away(self._log, model, error) from error
        window = WindowKey(model, input.environment, input.version, start)
        earlier = self._store.errors_before(window, input.monitored.since, _EARLIER)
        judged, errors = judge(answers, labels, input, project, earlier)
        if errors is not None:
            self._store.keep_errors(window, errors)
        # only now: a process that dies before leaves the window to be measured again
        self._store.mark_measured(model, [label for label in labels if not label.measured])
        return judged


def find_due(
    store: RecordStore,
    log: AnswersLog,
    model: str,
    environment: Environment,
    now: datetime,
    within: timedelta,
    since: datetime,
    broken: list[str],
) -> int:
    """Look for the requests of labels that are due, and keep which were found.

    Several may do so at once: each label finds its request once.

    Args:
        store: has the labels.
        log: of the model in the environment.
        model: whose labels they are.
        environment: where they are looked for.
        now: the time of the search.
        within: how long labels are waited for.
        since: requests before it are not looked for.
        broken: is told of files of the log that are none.

    Returns:
        How many were found.

    Raises:
        OSError: the log cannot be reached.
    """
    with loading():
        from activities.modelling.labels.search import find_requests
    joined = 0
    # what was looked for is not due any more, so this ends
    while waiting := store.waiting_labels(model, environment, now, _BATCH):
        found = find_requests(log, waiting, since, broken)
        at_hand = {(each.key, each.row) for each in found}
        missed = [
            again(each, now, within, since)
            for each in waiting
            if (each.key, each.row) not in at_hand
        ]
        store.mark_labels(model, environment, found, missed, now)
        joined += len(found)
        if len(waiting) < _BATCH:
            break
    return joined


def away(log: str, model: str, error: OSError) -> Unavailable:
    """The error of a log that cannot be read now."""
    return Unavailable(f"the log of requests of {model} at {log} cannot be read: {error}")


def again(label: WaitingLabel, now: datetime, within: timedelta, since: datetime) -> LookedFor:
    """When a request that was not found is looked for again: after as long as it has waited.

    A label that comes before its request is written is found seconds later, and one whose request
    is nowhere costs a few searches a month.

    Args:
        label: whose request it is.
        now: the time of the search.
        within: how long labels are waited for.
        since: requests before it are not looked for.
    """
    waited = now - label.received_at
    if waited > within or (label.asked_at is not None and label.asked_at < since):
        return LookedFor(label.key, label.row, None)
    return LookedFor(label.key, label.row, now + min(max(waited, _SOONEST), _LATEST))
