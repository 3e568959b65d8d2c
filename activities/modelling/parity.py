"""Does the file answer as the trained model does? Asked with raw rows, easy and hard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from torch import nn

from activities.modelling.candidates import scores
from activities.modelling.graphs import Graph
from activities.modelling.preprocessing import Preprocessing
from perennial.contracts.errors import ExportFailed
from perennial.contracts.training import Parity

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCHES = (1, 7, 256)
_PROBABILITY = 1e-5
_RELATIVE = 1e-4
_UNSEEN = "never seen before"


def compare(
    graph: Graph, network: nn.Module, preprocessing: Preprocessing, held_out: pd.DataFrame
) -> Parity:
    """Ask the file and torch about the same raw rows, in batches of 1, 7 and 256.

    The rows are held-out ones, and the same with values missing, infinite and never seen. Torch
    gets them by the Python preprocessing, so that both of its forms are compared too.

    Raises:
        ExportFailed: the file refuses a batch, or answers with something not finite.
    """
    count = sum(BATCHES)
    plain = held_out.iloc[np.arange(count) % len(held_out)].reset_index(drop=True)
    largest, rows, flips = 0.0, 0, 0
    for frame in (plain, _hard(plain, preprocessing)):
        expected = scores(network, preprocessing, frame).reshape(len(frame), -1)
        first = 0
        for size in BATCHES:
            batch = slice(first, first + size)
            answer = _ask(graph, frame.iloc[batch])
            largest = max(largest, float(np.abs(answer - expected[batch]).max()))
            flips += int((answer.argmax(axis=1) != expected[batch].argmax(axis=1)).sum())
            rows += size
            first += size
    tolerance = _PROBABILITY
    if preprocessing.task == "regression":
        tolerance = _RELATIVE * max(abs(preprocessing.target_mean), preprocessing.target_scale)
    return Parity(
        passed=largest <= tolerance,
        batch_sizes=BATCHES,
        rows=rows,
        max_abs_diff=largest,
        tolerance=tolerance,
        flips=None if preprocessing.task == "regression" else flips,
    )


def _ask(graph: Graph, rows: pd.DataFrame) -> NDArray[np.float64]:
    try:
        answer = graph.scores(rows).reshape(len(rows), -1)
    except Exception as error:
        said = " ".join(str(error).split())
        raise ExportFailed(
            f"the ONNX file refuses a batch of {len(rows)} rows: {said[:300]}"
        ) from error
    if not np.isfinite(answer).all():
        raise ExportFailed(
            f"the ONNX file answers a batch of {len(rows)} rows with something not finite, where "
            f"values are missing or never seen; the network must bear a 0 in every input"
        )
    return answer


def _hard(frame: pd.DataFrame, preprocessing: Preprocessing) -> pd.DataFrame:
    """The rows with a third of their values taken away, in turns."""
    hard = {}
    turn = np.arange(len(frame))
    for position, name in enumerate((*preprocessing.numbers, *preprocessing.categories)):
        away = (turn + position) % 3 == 0
        column = frame[name]
        if name in preprocessing.categories:
            unseen = column.astype(object).where(~away, _UNSEEN)
            hard[name] = unseen.where(turn % 2 == 0, None) if column.isna().any() else unseen
        else:
            numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
            gone = np.where(turn % 2 == 0, np.nan, np.inf)
            hard[name] = pd.Series(np.where(away, gone, numbers))
    return pd.DataFrame(hard)
