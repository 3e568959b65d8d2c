"""Tables of labels: read a bit at a time, and never again from the beginning."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from temporalio import activity

from activities.work import in_thread, loading
from perennial.canonical import digest
from perennial.contracts.label_sources import TOLD, LabelSource, LabelsRead, ReadLabels
from perennial.contracts.label_table import LabelTable, resolved, variables
from perennial.contracts.labels import Label
from perennial.contracts.spec_part import duration
from perennial.contracts.store import RecordStore

MOST = 200_000
"""New rows at once: the monitor has other things to do as well."""
_BATCH = 5_000
_LONGEST = 300
"""Characters of what is told."""
_PASSWORD = re.compile(r"://[^/@]*?:([^/@]*)@")
_log = logging.getLogger(__name__)


class _Away(Exception):
    """The table cannot be read; the message says why, and holds no secret."""


class LabelTableActivities:
    """Reads what somebody else writes, and keeps it as labels that were sent."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    @activity.defn(name="read_labels")
    async def read_labels(self, input: ReadLabels) -> LabelsRead:
        """Read on. What was read is kept with how far that is, in one transaction."""
        return await in_thread(self._read, input)

    def _read(self, input: ReadLabels) -> LabelsRead:
        table, now = input.table, datetime.now(UTC)
        named = digest(table.model_dump(mode="json"))
        known = self._store.read_label_source(input.model)
        if known is None or known.digest != named:
            known = LabelSource(digest=named)
        reading = _Reading(self._store, input.model, known, now)
        try:
            return self._go_on(table, reading)
        except _Away as error:
            _log.warning("the labels of %s wait: %s", input.model, error)
            since = reading.end(error=str(error)[:_LONGEST])
            return LabelsRead(
                rows=reading.rows, refused=reading.refused, error=str(error), away_since=since
            )

    def _go_on(self, table: LabelTable, reading: _Reading) -> LabelsRead:
        last = reading.source.watermark
        since = last - duration(table.again) if last is not None else None
        secrets = {name: os.environ.get(name, "") for name in variables(table.url)}
        more, seen = False, ""
        with _explained(secrets):
            with loading():
                from activities.modelling.labels.database import read_query
                from activities.modelling.labels.files import read_files
            if unset := [name for name, value in secrets.items() if not value]:
                raise _Away(f"{unset[0]} is not set where the ML worker runs: set it there")
            address = resolved(table.url, secrets)
            rows: Iterable[dict[str, Any]]
            if table.query is not None:
                rows = read_query(address, table, since)
            else:
                found = read_files(address, table, since, last, MOST, reading.source.seen)
                if found is None:
                    reading.end(seen=reading.source.seen)
                    return LabelsRead()
                rows, more, seen = found.rows, found.more, found.seen
        ended = reading.take(_guarded(rows, secrets))
        more = more or not ended
        # what is of the future is read once its time has come, though nothing else changes
        reading.end(seen="" if more or reading.ahead else seen)
        return LabelsRead(rows=reading.rows, refused=reading.refused, more=more)


class _Reading:
    """One round: rows become labels, and are kept a batch at a time."""

    def __init__(self, store: RecordStore, model: str, source: LabelSource, now: datetime) -> None:
        self.source = source
        self.rows = self.refused = self.ahead = 0
        self._store = store
        self._model = model
        self._now = now
        self._last = self._at = source.watermark
        self._problems = list(source.problems)
        self._labels: list[Label] = []

    def take(self, rows: Iterable[dict[str, Any]]) -> bool:
        """Whether those were all; else there is more than a round takes."""
        from activities.modelling.labels.database import WRITTEN
        from activities.modelling.labels.rows import SKEW, RowRefused, moment, to_label

        for row in rows:
            written = moment(row[WRITTEN])
            if written is None:
                self._tell(f"a row: its watermark {str(row[WRITTEN])[:40]!r} is no time")
                continue
            if written > self._now + SKEW:  # were it taken, nothing earlier would be read again
                self._tell(f"row of {written.isoformat()}: its watermark is in the future")
                self.ahead += 1
                if self.ahead == TOLD:
                    return True
                continue
            new = self._last is None or written > self._last
            if self.rows >= MOST and self._at is not None and written > self._at:
                return False
            self._at = written if self._at is None else max(self._at, written)
            self.rows += new
            try:
                label = to_label(row, written, self._now)
            except RowRefused as error:
                request = f", request {str(row['request_id'])[:60]}" if "request_id" in row else ""
                self._tell(f"row of {written.isoformat()}{request}: {error}")
                self.refused += new
            else:
                self._labels += [label] if label is not None else []
            if len(self._labels) == _BATCH:
                self._keep({})
        return True

    def end(self, *, seen: str = "", error: str = "") -> datetime | None:
        """Keep what is left, and since when the table cannot be read, if it cannot."""
        away = (self.source.away_since or self._now) if error else None
        read_at = self.source.read_at if error else self._now
        self._keep({"seen": seen, "error": error, "away_since": away, "read_at": read_at})
        return away

    def _keep(self, more: dict[str, Any]) -> None:
        so_far = {
            "watermark": self._at,
            "rows": self.source.rows + self.rows,
            "refused": self.source.refused + self.refused,
            "problems": tuple(self._problems),
        }
        now = self.source.model_copy(update=so_far | more)
        self._store.keep_label_source(self._model, now, self._labels, self._now)
        self._labels = []

    def _tell(self, problem: str) -> None:
        """Once: rows are read again for a while."""
        problem = problem[:_LONGEST]
        if problem not in self._problems:
            self._problems = [*self._problems, problem][-TOLD:]


def _guarded(rows: Iterable[dict[str, Any]], secrets: dict[str, str]) -> Iterator[dict[str, Any]]:
    with _explained(secrets):
        yield from rows


@contextmanager
def _explained(secrets: dict[str, str]) -> Iterator[None]:
    """What a driver raises, in a sentence without passwords: there are as many trees as drivers."""
    try:
        yield
    except _Away:
        raise
    except Exception as error:
        said = getattr(error, "orig", None) or error
        text = f"{type(said).__name__}: {' '.join(str(said).split())}"
        hidden = {*secrets.values()} | {quote(value, safe="") for value in secrets.values()}
        hidden |= {part for value in secrets.values() for part in _PASSWORD.findall(value)}
        for secret in sorted(filter(None, hidden), key=len, reverse=True):
            text = text.replace(secret, "***")
        raise _Away(text) from error
