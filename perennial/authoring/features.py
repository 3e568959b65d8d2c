"""Which columns a model reads, and what of them reaches the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Features:
    """The columns of a project's frame, by the part they play.

    Attributes:
        target: the column to predict. A classification takes any values as its classes, in their
            sorted order; the second class of a binary one is the positive one.
        numeric: columns of numbers. Missing and infinite values become the column's mean over the
            training rows; each column is then scaled to mean 0 and deviation 1.
        categorical: columns of text, whole numbers or booleans. Each value seen in training gets a
            code from 1; every other value is code 0. A missing value is the empty text.
        vectors: groups of numeric columns that belong together, such as the pixels of an image.
            A group is one input of the exported model, `[batch, columns]`, and is otherwise
            treated as numeric columns are.
        key: a column that names each row; messages about bad rows quote it, and a random split
            keeps a row on the same side in every later snapshot.
        time: a column of dates and times, for a split by time.
    """

    target: str
    numeric: Sequence[str] = ()
    categorical: Sequence[str] = ()
    vectors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    key: str | None = None
    time: str | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of the network's first argument, in order: numeric, then each vector."""
        return (*self.numeric, *(name for group in self.vectors.values() for name in group))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every column that the model reads."""
        return (*self.numbers, *self.categorical)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is named here."""
        others = (self.target, self.key, self.time)
        return tuple(dict.fromkeys((*self.inputs, *(name for name in others if name))))


@dataclass(frozen=True)
class Shape:
    """What the network takes and gives.

    Attributes:
        numbers: width of the float32 tensor `[batch, numbers]`.
        categories: for each column of the int64 tensor `[batch, len(categories)]`, how many codes
            it may hold (the unknown code 0 counts).
        outputs: width of the answer: 1 for binary and regression, else the number of classes.
    """

    numbers: int
    categories: tuple[int, ...]
    outputs: int
