"""Rows that are alike: labels that contradict each other, and rows on both sides of a split.

Every row is 25 bytes: a hash of its inputs, its label, its side and its position. They are ordered
by hash, on disk where they do not fit in memory, so that rows with the same inputs come together.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from activities.modelling.data.ordering import no_room, ordered
from activities.modelling.data.parted import Part, Parted
from activities.modelling.validation.targets import Target
from activities.modelling.validation.violations import NAMED, Broken
from perennial.authoring import Features
from perennial.contracts.spec import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MANY = 1 << 14
"""Rows with the same inputs that are added up before more of them are read."""


@dataclass(frozen=True)
class Alike:
    """What rows with the same inputs show.

    Attributes:
        contradicting: of a classification, rows whose label is not that of most rows with the very
            same inputs. A model cannot be right about both, so their share is the least that it
            will be wrong on rows such as these; noise in labels whose inputs are there once does
            not show.
        shared: rows that are held out and equal, in inputs and target, to one that is trained on.
        train: rows that are trained on.
        test: rows that are held out.
    """

    contradicting: Broken
    shared: Broken
    train: int
    test: int


def rows_alike(
    rows: Parted,
    features: Features,
    task: Task,
    target: Target,
    held_out: Callable[[Part], NDArray[np.bool_]] | None,
) -> Alike:
    """Look for them among all rows.

    Args:
        rows: all of them.
        features: the columns.
        task: what they are for.
        target: of a classification, with its classes.
        held_out: tells which rows are; none is unless given.

    Raises:
        Unavailable: there is no room to order them.
    """
    contradicting, shared, sides = Broken(), Broken(), [0, 0]

    def described() -> Iterator[pa.Table]:
        wanted = [name for name in (features.key, features.time) if name is not None]
        for part in rows.parts([*features.inputs, features.target, *wanted]):
            table = _described(part, features, task, target, held_out)
            later = int(table["held_out"].to_numpy().sum())
            sides[0] += len(table) - later
            sides[1] += later
            yield table

    with (
        tempfile.TemporaryDirectory(prefix="perennial-alike-") as folder,
        no_room("rows could not be ordered by what they hold", folder),
    ):
        for some in _whole_groups(ordered(described(), "inputs", Path(folder))):
            _judge(some, contradicting if task != "regression" else None, shared)
    return Alike(contradicting, shared, *sides)


def _described(
    part: Part,
    features: Features,
    task: Task,
    target: Target,
    held_out: Callable[[Part], NDArray[np.bool_]] | None,
) -> pa.Table:
    frame, count = part.frame, len(part.frame)
    if task == "regression":  # of equal labels only it matters, that they are
        columns = [*features.inputs, features.target]
        labels = np.zeros(count, dtype=np.int64)
    else:
        columns = list(features.inputs)
        labels = target.codes(frame[features.target]).astype(np.int64)
    sides = np.zeros(count, dtype=bool) if held_out is None else held_out(part)
    return pa.table(
        {
            "inputs": pd.util.hash_pandas_object(frame[columns], index=False).to_numpy(),
            "label": labels,
            "held_out": sides.astype(np.int8),
            "position": np.arange(part.start, part.start + count),
        }
    )


@dataclass(frozen=True)
class _Rows:
    """Rows `[rows]`, ascending by inputs.

    Attributes:
        weight: how many rows each of them stands for; the ones that it stands for are alike, and
            come after it.
    """

    inputs: NDArray[np.uint64]
    label: NDArray[np.int64]
    held_out: NDArray[np.int8]
    position: NDArray[np.int64]
    weight: NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table) -> _Rows:
        """Rows that stand for themselves."""
        names = ("inputs", "label", "held_out", "position")
        inputs, label, held_out, position = (table[name].to_numpy() for name in names)
        return cls(inputs, label, held_out, position, np.ones(len(table), dtype=np.int64))

    def __getitem__(self, chosen: slice | NDArray[np.generic]) -> _Rows:
        return _Rows(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.inputs)

    def with_others(self, others: _Rows) -> _Rows:
        """Both, one after the other."""
        return _Rows(
            *(
                np.concatenate([getattr(self, name), getattr(others, name)])
                for name in self.__dataclass_fields__
            )
        )

    def sorted(self) -> _Rows:
        """By inputs, label, side and position."""
        order = np.lexsort((self.position, self.held_out, self.label, self.inputs))
        return self[order]

    def added_up(self) -> _Rows:
        """Of those that are alike the first ten, which stand for the others."""
        rows = self.sorted()
        begins = _begins(rows.inputs, rows.label, rows.held_out)
        lengths = np.diff(np.append(begins, len(rows)))
        rank = np.arange(len(rows)) - np.repeat(begins, lengths)
        all_of_them = np.add.reduceat(rows.weight, begins)
        kept = rows[rank < NAMED]
        first = _begins(kept.inputs, kept.label, kept.held_out)
        kept.weight[first] += all_of_them - np.add.reduceat(kept.weight, first)
        return kept


def _begins(*columns: NDArray[np.generic]) -> NDArray[np.intp]:
    """Where one of sorted columns has another value than before."""
    other = np.ones(len(columns[0]), dtype=bool)
    other[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return np.flatnonzero(other)


def _whole_groups(tables: Iterable[pa.Table]) -> Iterator[_Rows]:
    """The same rows, those with the same inputs in one."""
    waiting: _Rows | None = None
    for table in tables:
        some = _Rows.of(table)
        if waiting is not None:
            some = waiting.with_others(some)
        if not len(some):
            continue
        cut = int(np.searchsorted(some.inputs, some.inputs[-1], side="left"))
        if cut:
            yield some[:cut]
        waiting = some[cut:]
        if len(waiting) > _MANY:
            waiting = waiting.added_up()
    if waiting is not None:
        yield waiting


def _judge(rows: _Rows, contradicting: Broken | None, shared: Broken) -> None:
    """Look at groups of rows with the same inputs."""
    same = np.concatenate([[False], rows.inputs[1:] == rows.inputs[:-1], [False]])
    rows = rows[same[1:] | same[:-1]].sorted()  # most rows have no like
    if not len(rows):
        return
    begins = _begins(rows.inputs, rows.label)
    lengths = np.diff(np.append(begins, len(rows)))
    later = rows.held_out * rows.weight
    tested, every = np.add.reduceat(later, begins), np.add.reduceat(rows.weight, begins)
    both = (tested > 0) & (tested < every)
    _take(shared, rows, np.repeat(both, lengths) & (rows.held_out == 1))
    if contradicting is None:
        return
    groups = _begins(rows.inputs[begins])
    sizes = np.diff(np.append(groups, len(begins)))
    most = np.flatnonzero(every == np.repeat(np.maximum.reduceat(every, groups), sizes))
    # of labels that are there equally often, the one that comes first in the table
    group_of_most = np.searchsorted(groups, most, side="right")
    usual = np.zeros(len(begins), dtype=bool)
    usual[most[np.concatenate([[True], group_of_most[1:] != group_of_most[:-1]])]] = True
    _take(contradicting, rows, np.repeat(~usual, lengths))


def _take(broken: Broken, rows: _Rows, chosen: NDArray[np.bool_]) -> None:
    if chosen.any():
        broken.add_at(rows.position[chosen], int(rows.weight[chosen].sum()))
