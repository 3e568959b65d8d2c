"""The class that an ML engineer writes: what is particular to one model, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from perennial.authoring.context import TrainingContext
from perennial.authoring.features import Features, Shape
from perennial.authoring.reading import read_batches, read_table
from perennial.contracts.spec import Param, Source

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from lightgbm import LGBMModel
    from numpy.typing import NDArray
    from pandera.pandas import DataFrameSchema
    from sklearn.base import BaseEstimator
    from torch import nn

Params: TypeAlias = Mapping[str, Param]


class ModelProject(ABC):
    """Subclass it, and name the subclass in the spec: `project: module:Class`.

    An instance is made without arguments in several processes, and again at each stage: keep no
    state in it.
    """

    def load(self, source: Source) -> pd.DataFrame:
        """Rows to learn from: one row an example, the target among the columns.

        Without a method of your own, the source is read as `read_batches` reads it.
        """
        return read_table(source)

    def batches(self, source: Source) -> Iterator[pa.RecordBatch]:
        """The rows in parts, all of one schema: write it in place of `load` where not all of them
        fit in memory. `for batch in read_batches(source)` is a good beginning.

        A project that has a `load` of its own, and no `batches`, is asked for that.
        """
        return read_batches(source)

    def schema(self) -> DataFrameSchema | None:
        """What the rows must obey; a broken rule blocks the run and names the rows.

        Checked beside it always: features and target are there and of a fitting type, the target
        is known in every row, a classification has its classes, keys are unique.

        Where rows do not fit in memory, write a check about several columns of a row with
        `element_wise=True`: another function of the table is given all rows.
        """
        return None

    @abstractmethod
    def features(self) -> Features:
        """The columns, by the part they play."""

    @abstractmethod
    def build(self, shape: Shape, params: Params) -> nn.Module | BaseEstimator | LGBMModel:
        """What learns. Raise ValueError for a hyper-parameter that makes no sense.

        A network's forward takes float32 numbers `[batch, shape.numbers]` and int64 codes
        `[batch, len(shape.categories)]`, the one that is empty left out, and returns
        `[batch, shape.outputs]`: logits, or predictions of a regression (scaled as the target).

        A scikit-learn estimator or pipeline, not yet fitted, gets one float32 matrix: the numbers,
        then for each category a column of 0 and 1 for each value (a value never seen is 0 in all).

        An `LGBMClassifier` or `LGBMRegressor` gets the numbers and the codes, which it is told
        are categories; `training.epochs` is its number of rounds.
        """

    def metrics(
        self, truth: NDArray[np.generic], scores: NDArray[np.float64]
    ) -> Mapping[str, float]:
        """Measures of your own on held-out rows, beside those of the task.

        Args:
            truth: class numbers `[rows]`, or values of a regression.
            scores: probabilities `[rows, classes]`, or predictions `[rows]`.
        """
        return {}

    def train(self, context: TrainingContext) -> None:
        """Fit `context.model`, a network; replace it to train in a way of your own."""
        context.fit()
