"""Labels out of a file, CSV or JSON lines, in batches that the API takes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from perennial.cli.problems import Stop

COLUMNS = ("request_id", "entity", "row", "value", "at", "asked_at")
_MOST = 5_000
_BYTES = 900_000
"""Of a batch; the API takes 1 MiB."""


class Line(NamedTuple):
    """A label, as the API takes it, and the line of the file that it stands on, from 1."""

    number: int
    label: dict[str, Any]


def read(file: Path, now: str) -> Iterator[Line]:
    """The labels of a file, one after the other: it may be of any size.

    Args:
        file: `.csv` with a line of names first, or `.jsonl` with an object a line.
        now: when labels became known whose `at` is missing or empty.

    Raises:
        Stop: it cannot be read, or a line is no label.
    """
    readers = {".csv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise Stop(
            f"{file} is neither CSV nor JSON lines by its name",
            advice=f"name it .csv or .jsonl; its columns are {', '.join(COLUMNS)}",
        )
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            for line in reader(file, text):
                line.label.setdefault("at", now)
                yield line
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise Stop(f"{file} is not UTF-8 text ({error.reason}); save it as UTF-8") from None


def batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Lines by as many as the API takes at once."""
    batch: list[Line] = []
    size = 0
    for line in lines:
        length = len(json.dumps(line.label)) + 2
        if batch and (len(batch) == _MOST or size + length > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += length
    if batch:
        yield batch


def _csv(file: Path, text: TextIO) -> Iterator[Line]:
    rows = csv.reader(text)
    try:
        names = next(rows, None)
        if names is None:
            raise Stop(f"{file} is empty; its first line has the names {', '.join(COLUMNS)}")
        if unknown := [name for name in names if name not in COLUMNS]:
            raise Stop(
                f"{file} line 1: there is no column {unknown[0]!r}",
                advice=f"the columns are {', '.join(COLUMNS)}; leave out what labels do not need",
            )
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                raise Stop(
                    f"{file} line {rows.line_num}: {len(row)} values for {len(names)} columns"
                )
            told = zip(names, row, strict=True)
            # a value may be the empty text; whatever else is empty was not told
            label: dict[str, Any] = {n: cell for n, cell in told if cell or n == "value"}
            if "row" in label:
                label["row"] = _whole(file, rows.line_num, label["row"])
            yield Line(rows.line_num, label)
    except csv.Error as error:
        raise Stop(f"{file} line {rows.line_num}: {error}") from None


def _whole(file: Path, number: int, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Stop(f"{file} line {number}: row is a whole number from 0, not {text!r}") from None


def _json_lines(file: Path, text: TextIO) -> Iterator[Line]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            label = json.loads(line)
        except ValueError as error:
            raise Stop(f"{file} line {number}: {error}") from None
        if not isinstance(label, dict):
            raise Stop(f"{file} line {number}: a label is a JSON object, not {line.strip()[:60]}")
        yield Line(number, label)
