"""The log of requests by the hour, read in part: who asked when, and what the answer was.

`serving.log_files` writes it. A file holds requests of one version, all answered or all failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activities.modelling.requests.frames import LogCorrupt
from perennial.storage import filesystem

HOUR = timedelta(hours=1)
PLACE = ["request_id", "row", "at"]
"""What names a row of the log. A caller may send an id twice, but not within a microsecond."""


class AnswersLog:
    """The answers that a model gave to its callers in one environment.

    Copies were answered for nobody, and what testers asked by a variant's name is no sample of what
    callers ask: neither is here, but for copies where they are asked for.
    """

    def __init__(self, url: str, environment: str, model: str) -> None:
        self._fs, root = filesystem(url)
        self._folder = f"{root.rstrip('/')}/environment={environment}/model={model}"

    def hours(self, since: datetime) -> list[datetime]:
        """Hours that have files, newest first.

        Raises:
            OSError: the log cannot be reached.
        """
        found = []
        for path in self._fs.glob(f"{self._folder}/date=*/hour=*"):
            day, _, hour = path.rstrip("/").rpartition("/hour=")
            found.append(datetime.fromisoformat(f"{day.rpartition('date=')[2]}T{hour}:00:00+00:00"))
        return sorted((hour for hour in found if hour > since - HOUR), reverse=True)

    def tables(
        self,
        hour: datetime,
        columns: Sequence[str],
        copies: bool = False,
        broken: list[str] | None = None,
    ) -> Iterator[pa.Table]:
        """Rows of an hour that callers got an answer to, a table for each file.

        Args:
            hour: the beginning of it.
            columns: to be read, beside `copy` and `named`; one of a model is `inputs.NAME`.
            copies: whether those come too.
            broken: a file that is none is told here and passed over, in place of being an error.

        Raises:
            LogCorrupt: a file is none, and nobody wants to be told.
            OSError: the log cannot be reached.
        """
        folder = f"{self._folder}/date={hour:%Y-%m-%d}/hour={hour:%H}"
        for path in sorted(self._fs.glob(f"{folder}/*.parquet")):
            try:
                with self._fs.open(path, "rb") as opened:
                    file = pq.ParquetFile(opened)
                    if "answer" not in file.schema_arrow.names:
                        continue
                    table = file.read(columns=[*columns, "copy", "named"])
            except pa.ArrowInvalid as error:
                told = (
                    f"{path} of the log of requests is no Parquet file: {error}; its requests are "
                    f"lost: remove it, and the others are read again"
                )
                if broken is None:
                    raise LogCorrupt(told) from error
                broken.append(told)
                continue
            unwanted = table["named"] if copies else pc.or_(table["copy"], table["named"])
            yield table.filter(pc.invert(unwanted))


@dataclass(frozen=True)
class Answers:
    """What one version answered within a window.

    Attributes:
        frame: `request_id`, `row`, `at`, and the columns that were asked for, in order of time.
        scores: probabilities `[rows, classes]`, or predictions `[rows]`.
        classes: of the version; empty of a regression.
        missing: columns that were asked for and are not there.
    """

    frame: pd.DataFrame
    scores: np.ndarray
    classes: tuple[str, ...]
    missing: tuple[str, ...]


def read_answers(
    log: AnswersLog, version: int, start: datetime, end: datetime, columns: Sequence[str] = ()
) -> Answers | None:
    """What a version answered within a window; None where it answered nothing.

    Args:
        log: of the model.
        version: by whatever variant: as the champion, and as its own control in a rollout.
        start: of the window, with a zone.
        end: of it; what came at this very moment belongs to the next one.
        columns: numbers and texts that the model was asked with.

    Raises:
        LogCorrupt: a file is none.
        OSError: the log cannot be reached.
    """
    frames, scores = [], []
    classes: tuple[str, ...] = ()
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while hour < end:
        wanted = [*PLACE, "version", "answer", *(f"inputs.{name}" for name in columns)]
        for table in log.tables(hour, wanted):
            mine = table.filter(_of(table, version, start, end))
            if not len(mine):
                continue
            classes = tuple(json.loads(mine.schema.metadata[b"perennial"])["classes"])
            answer = mine["answer"].combine_chunks()
            parts = [answer.field(name).to_numpy() for name in classes or ("value",)]
            scores.append(np.column_stack(parts).astype(np.float64))
            frames.append(_frame(mine, columns))
        hour += HOUR
    if not frames:
        return None
    frame = pd.concat(frames, ignore_index=True)
    order = frame.sort_values(PLACE[::-1], kind="stable").index.to_numpy()
    frame, found = frame.iloc[order].reset_index(drop=True), np.concatenate(scores)[order]
    return Answers(
        frame,
        found if classes else found[:, 0],
        classes,
        tuple(name for name in columns if name not in frame.columns),
    )


def _of(table: pa.Table, version: int, start: datetime, end: datetime) -> pa.ChunkedArray:
    at, kind = table["at"], table["at"].type
    inside = pc.and_(
        pc.greater_equal(at, pa.scalar(start, kind)), pc.less(at, pa.scalar(end, kind))
    )
    return pc.and_(inside, pc.equal(table["version"], version))


def _frame(table: pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    found = {name: table[name].to_pandas() for name in PLACE}
    if "inputs" in table.column_names:
        inputs = table["inputs"].combine_chunks()
        found |= {
            name: inputs.field(name).to_pandas()
            for name in columns
            if inputs.type.get_field_index(name) >= 0
        }
    return pd.DataFrame(found)
