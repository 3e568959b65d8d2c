"""Late labels of a rollout: they find their requests, and are counted by who answered."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from temporalio import activity

from activities.labels import away, find_due
from activities.work import in_thread, loading
from perennial.contracts.deployments import ReadServing
from perennial.contracts.labelling import CountLabelled, LabelledHour
from perennial.contracts.records import Done
from perennial.contracts.request_log import RequestLog
from perennial.contracts.spec_part import duration
from perennial.contracts.store import RecordStore

_HOUR = timedelta(hours=1)
_SKEW = timedelta(minutes=10)
"""By so much the clocks of the API and of the workflows may differ."""
_EVER = datetime(1970, 1, 2, tzinfo=UTC)
_WRITTEN_SECONDS = 30.0
"""So much later than a request its copy may be in the log: both are written in batches."""


class _Counted(NamedTuple):
    """An hour that was counted: as it was, when it became that, and when it was counted last."""

    hour: LabelledHour
    new: float
    last: float


class LabelledActivities:
    """Reads the log of requests by the hour, and only hours of which labels have come."""

    def __init__(self, log: str, store: RecordStore) -> None:
        self._log = log
        self._store = store
        self._counted: dict[tuple[str, str, int], dict[datetime, _Counted]] = {}

    @activity.defn(name="count_labelled")
    async def count_labelled(self, input: CountLabelled) -> Done:
        """Look for the requests of labels, and count them."""
        return await in_thread(self._count, input)

    def _count(self, input: CountLabelled) -> Done:
        model, environment, now = input.model, input.environment, datetime.now(UTC)
        served = self._store.read_serving(ReadServing(model=model, environment=environment))
        if served.deployment is None or served.deployment.log is None:
            return Done()  # without a log there is nothing that labels could be of
        with loading():
            from activities.modelling.labels.labelled_answers import count
            from activities.modelling.requests.answers_log import AnswersLog
        log = AnswersLog(self._log, environment, model)
        # a worker that is new counts every hour once; what it counts is what was counted before
        counted = self._counted.setdefault((model, environment, input.since_epoch), {})
        try:
            within, since = _looked_for(served.deployment.log, now)
            find_due(self._store, log, model, environment, now, within, since, [])
            for hour in self._store.labelled_hours(model, environment, input.since - _SKEW):
                start, moment = hour.start, time.monotonic()
                before, new = counted.get(start), moment
                if before is not None and before.hour == hour:
                    new = before.new
                    if before.last - new >= _WRITTEN_SECONDS:
                        continue
                labels = self._store.labels_of(model, environment, start, start + _HOUR)
                found = count(log, start, labels, input.since_epoch, input.tolerance)
                self._store.record_labelled(input, start, found)
                counted[start] = _Counted(hour, new, moment)
        except OSError as error:
            raise away(self._log, model, error) from error
        return Done()


def _looked_for(log: RequestLog, now: datetime) -> tuple[timedelta, datetime]:
    """How long a label is waited for, and which requests it may be of: as long as there is a log.

    Where callers say of when requests are, no time of ours says which of them are old.
    """
    keep = duration(log.keep)
    return keep, now - keep if log.event_time == "arrival" else _EVER
