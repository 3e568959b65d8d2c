"""The log of requests as frames: what each version of a model was asked in a window, and said.

`serving.log_files` writes it. A file holds requests of one version, all answered or all failed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perennial.contracts.errors import Final
from perennial.storage import filesystem

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHADOW = "shadow"
PREDICTION, PROBABILITY = "prediction", "probability."
_WHOSE = ["variant", "version", "copy"]
_READ = [*_WHOSE, "at", "named", "inputs", "answer"]
_AT_ONCE = 4
"""Files that are read at the same time; all of an hour would be too much memory."""


class LogCorrupt(Final):
    """A file of the log of requests cannot be read."""


def read_window(
    url: str, environment: str, model: str, start: datetime, end: datetime
) -> dict[tuple[str, int], pd.DataFrame]:
    """Rows that came within a window, by variant and version.

    Args:
        url: of the log.
        environment: where the model answered.
        model: whose requests they are.
        start: of the window, with a zone.
        end: of it; what came at this very moment belongs to the next one.

    Returns:
        Frames with the model's inputs by column, `prediction` (the likeliest class, or the number)
        and, for classes, `probability.CLASS`; both are missing where the variant failed. Copies
        are of the variant `shadow`. What testers asked by a variant's name is left out.

    Raises:
        LogCorrupt: a file is none.
        OSError: the log cannot be reached.
    """
    fs, root = filesystem(url)
    folders = _hours(f"{root}/environment={environment}/model={model}", start, end)
    paths = [path for folder in folders for path in sorted(fs.glob(f"{folder}/*.parquet"))]
    # hundreds of small files are an hour: those that are alike become frames together
    alike: dict[bytes, list[pa.Table]] = defaultdict(list)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="log-files") as readers:
        for table in readers.map(partial(_read, fs, start=start, end=end), paths):
            if len(table):
                alike[table.schema.serialize().to_pybytes()].append(table)
    parts: dict[tuple[str, int], list[pd.DataFrame]] = defaultdict(list)
    for tables in alike.values():
        for key, frame in _frames(pa.concat_tables(tables)):
            parts[key].append(frame)
    return {
        key: frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        for key, frames in sorted(parts.items())
    }


def _read(fs: Any, path: str, start: datetime, end: datetime) -> pa.Table:
    data = fs.cat_file(path)
    try:
        table = pq.ParquetFile(pa.BufferReader(data)).read(columns=_READ, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise LogCorrupt(
            f"{path} of the log of requests is no Parquet file: {error}; its requests are "
            f"lost: remove it, and the others are read again"
        ) from error
    return _within(table, start, end)


def _hours(folder: str, start: datetime, end: datetime) -> Iterator[str]:
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while hour < end:
        yield f"{folder}/date={hour:%Y-%m-%d}/hour={hour:%H}"
        hour += timedelta(hours=1)


def _within(table: pa.Table, start: datetime, end: datetime) -> pa.Table:
    at = table["at"]
    kind = at.type
    inside = pc.and_(
        pc.greater_equal(at, pa.scalar(start, kind)), pc.less(at, pa.scalar(end, kind))
    )
    wanted = pc.and_(inside, pc.invert(table["named"]))
    return table if pc.all(wanted).as_py() else table.filter(wanted)


def _frames(table: pa.Table) -> Iterator[tuple[tuple[str, int], pd.DataFrame]]:
    said = json.loads(table.schema.metadata[b"perennial"])
    frame = _inputs(table, said["vectors"])
    if "answer" in table.column_names:
        frame = pd.concat([frame, answer_columns(_answers(table), said["classes"])], axis=1)
    variants, versions, copies = (table[name] for name in _WHOSE)
    for row in table.select(_WHOSE).group_by(_WHOSE).aggregate([]).to_pylist():
        mine = pc.and_(
            pc.and_(pc.equal(variants, row["variant"]), pc.equal(versions, row["version"])),
            pc.equal(copies, row["copy"]),
        ).to_numpy()
        variant = SHADOW if row["copy"] else row["variant"]
        yield (variant, row["version"]), frame if mine.all() else frame[mine].reset_index(drop=True)


def _inputs(table: pa.Table, vectors: dict[str, list[str]]) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    inputs = table["inputs"].combine_chunks()
    for field in inputs.type:
        values = inputs.field(field.name)
        names = vectors.get(field.name, ())
        if pa.types.is_struct(field.type):
            columns |= {name: values.field(name).to_pandas() for name in names}
        elif names:
            matrix = values.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(names))
            columns |= {name: pd.Series(matrix[:, place]) for place, name in enumerate(names)}
        else:
            columns[field.name] = values.to_pandas()
    return pd.DataFrame(columns)


def _answers(table: pa.Table) -> NDArray[np.float32]:
    answer = table["answer"].combine_chunks()
    return np.column_stack([answer.field(field.name).to_numpy() for field in answer.type])


def answer_columns(answers: NDArray[np.float32], classes: Sequence[str]) -> pd.DataFrame:
    """Answers by column: `prediction` and, for classes, `probability.CLASS`.

    Args:
        answers: as a model gives them, `[rows, classes]` or `[rows, 1]`.
        classes: in the order of the answers; none of a model that predicts numbers.
    """
    if not classes:
        return pd.DataFrame({PREDICTION: answers[:, 0]})
    best = pa.array(classes, pa.large_string()).take(pa.array(answers.argmax(axis=1)))
    return pd.DataFrame(
        {PREDICTION: best.to_pandas()}
        | {f"{PROBABILITY}{name}": answers[:, place] for place, name in enumerate(classes)}
    )
