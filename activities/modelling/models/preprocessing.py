"""What is done to raw columns before the network sees them: fitted once, kept as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from activities.modelling.values import as_numbers, as_text
from perennial.authoring import Features, Shape
from perennial.contracts.spec import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Codes = NDArray[np.int64]


class Preprocessing(BaseModel):
    """Fitted on training rows. The exported graph does the same, from the same figures.

    Attributes:
        numeric: the columns that are an input each, in order.
        vectors: by input, the columns of the vectors.
        mean: of each number (numeric, then vectors); also stands for one that is missing.
        scale: its deviation, 1 for a constant.
        categories: by column, the texts with codes 1, 2, ...; any other text is 0.
        classes: the texts of the classes by number; empty for a regression.
        target_mean: of a regression's target.
        target_scale: of a regression's target.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Task
    target: str
    numeric: tuple[str, ...]
    vectors: dict[str, tuple[str, ...]]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    categories: dict[str, tuple[str, ...]]
    classes: tuple[str, ...] = ()
    target_mean: float = 0.0
    target_scale: float = 1.0

    @classmethod
    def fit(
        cls, frame: pd.DataFrame, train: NDArray[np.intp], features: Features, task: Task
    ) -> Self:
        """Learn from the training rows; the classes are those of the whole snapshot.

        Args:
            frame: the snapshot's rows.
            train: positions of the training rows.
            features: the project's columns.
            task: what is predicted.
        """
        rows = frame.iloc[train]
        mean, scale = _moments(as_numbers(rows, features.numbers))
        classes: tuple[str, ...] = ()
        target_mean, target_scale = 0.0, 1.0
        if task == "regression":
            centre, spread = _moments(as_numbers(rows, (features.target,)))
            target_mean, target_scale = centre[0], spread[0]
        else:
            classes = classes_of(frame[features.target])
        return cls(
            task=task,
            target=features.target,
            numeric=tuple(features.numeric),
            vectors={name: tuple(columns) for name, columns in features.vectors.items()},
            mean=mean,
            scale=scale,
            categories={
                name: tuple(sorted(set(as_text(rows[name])))) for name in features.categorical
            },
            classes=classes,
            target_mean=target_mean,
            target_scale=target_scale,
        )

    @classmethod
    def read(cls, blob: bytes) -> Self:
        """From the bytes that `to_bytes` gave."""
        return cls.model_validate_json(blob)

    def to_bytes(self) -> bytes:
        """JSON in the order of the columns, which is the network's too; canonical JSON has none."""
        return self.model_dump_json().encode()

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of the network's numbers."""
        return (*self.numeric, *(name for group in self.vectors.values() for name in group))

    @property
    def shape(self) -> Shape:
        """What the network takes and gives."""
        outputs = len(self.classes) if self.task == "multiclass" else 1
        codes = tuple(len(texts) + 1 for texts in self.categories.values())
        return Shape(numbers=len(self.numbers), categories=codes, outputs=outputs)

    def apply(self, frame: pd.DataFrame) -> tuple[Floats, Codes]:
        """Numbers `[rows, numbers]` and codes `[rows, categories]` for the network."""
        raw = as_numbers(frame, self.numbers)
        mean = np.array(self.mean, dtype=np.float32)
        scale = np.array(self.scale, dtype=np.float32)
        numbers = (np.where(np.isfinite(raw), raw, mean) - mean) / scale
        columns = [
            pd.Index(texts).get_indexer(pd.Index(as_text(frame[name]))) + 1
            for name, texts in self.categories.items()
        ]
        if not columns:
            return numbers, np.empty((len(frame), 0), dtype=np.int64)
        return numbers, np.column_stack(columns).astype(np.int64)


def classes_of(target: pd.Series) -> tuple[str, ...]:
    """The texts of the classes, in the sorted order of their values."""
    return tuple(as_text(target.dropna().drop_duplicates().sort_values()))


def truth_of(target: pd.Series, classes: tuple[str, ...]) -> NDArray[np.generic]:
    """Class numbers int64 `[rows]`; without classes the values float64 `[rows]`."""
    if not classes:
        return target.to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Index(classes).get_indexer(pd.Index(as_text(target))).astype(np.int64)


def _moments(values: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each column over its finite values, as float32 can hold them."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    wide = np.where(known, values, 0).astype(np.float64)
    mean = wide.sum(axis=0) / count
    spread = np.sqrt(np.where(known, (wide - mean) ** 2, 0).sum(axis=0) / count)
    mean32, scale32 = mean.astype(np.float32), spread.astype(np.float32)
    # a constant column has no deviation, or only what rounding left of one
    constant = ~(scale32 > 1e-6 * np.maximum(np.abs(mean32), 1e-30))
    scale32[constant | ~np.isfinite(scale32)] = 1.0
    return tuple(float(x) for x in mean32), tuple(float(x) for x in scale32)
