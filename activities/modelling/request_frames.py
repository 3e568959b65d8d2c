"""The log of requests as frames: what each version of a model was asked in a window, and said.

`serving.log_files` writes it. A file holds requests of one version, all answered or all failed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perennial.contracts.errors import Final

SHADOW = "shadow"
PREDICTION, PROBABILITY = "prediction", "probability."


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
    fs, root = fsspec.core.url_to_fs(url)
    parts: dict[tuple[str, int], list[pd.DataFrame]] = defaultdict(list)
    for folder in _hours(f"{root}/environment={environment}/model={model}", start, end):
        for path in sorted(fs.glob(f"{folder}/*.parquet")):
            try:
                with fs.open(path, "rb") as file:
                    table = pq.read_table(file)
            except pa.ArrowInvalid as error:
                raise LogCorrupt(
                    f"{path} of the log of requests is no Parquet file: {error}; its requests are "
                    f"lost: remove it, and the others are read again"
                ) from error
            for key, frame in _frames(_within(table, start, end)):
                parts[key].append(frame)
    return {key: pd.concat(frames, ignore_index=True) for key, frames in sorted(parts.items())}


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
    return table.filter(pc.and_(inside, pc.invert(table["named"])))


def _frames(table: pa.Table) -> Iterator[tuple[tuple[str, int], pd.DataFrame]]:
    said = json.loads(table.schema.metadata[b"perennial"])
    frame = _inputs(table, said["vectors"])
    if "answer" in table.column_names and len(table):
        frame = pd.concat([frame, _answers(table, said["classes"])], axis=1)
    variants = np.where(
        table["copy"].to_numpy(zero_copy_only=False), SHADOW, table["variant"].to_pandas()
    )
    versions = table["version"].to_numpy()
    for variant, version in sorted(set(zip(variants, versions, strict=True))):
        mine = (variants == variant) & (versions == version)
        yield (str(variant), int(version)), frame[mine]


def _inputs(table: pa.Table, vectors: dict[str, list[str]]) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    inputs = table["inputs"].combine_chunks()
    for field in inputs.type:
        values = inputs.field(field.name)
        if names := vectors.get(field.name):
            matrix = values.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(names))
            columns |= {name: pd.Series(matrix[:, place]) for place, name in enumerate(names)}
        else:
            columns[field.name] = values.to_pandas()
    return pd.DataFrame(columns)


def _answers(table: pa.Table, classes: list[str]) -> pd.DataFrame:
    answer = table["answer"].combine_chunks()
    if not classes:
        return pd.DataFrame({PREDICTION: answer.field("value").to_numpy()})
    likely = np.column_stack([answer.field(name).to_numpy() for name in classes])
    best = np.array(classes, dtype=object)[likely.argmax(axis=1)]
    found = {PREDICTION: pd.Series(best)}
    return pd.DataFrame(
        found | {f"{PROBABILITY}{name}": likely[:, place] for place, name in enumerate(classes)}
    )
