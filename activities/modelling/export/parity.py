"""Does the file answer as the trained model does? Asked with raw rows, easy, hard and extreme."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from activities.modelling.export.edges import edges, extreme, hard
from activities.modelling.export.graphs import Graph
from activities.modelling.export.onnx_file import output_of
from activities.modelling.models.preprocessing import Preprocessing
from perennial.contracts.errors import ExportFailed
from perennial.contracts.training import Compared, Parity

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCHES = (1, 7, 256)
_PROBABILITY = 1e-5
_RELATIVE = 1e-4


def compare(
    graph: Graph,
    trained: Callable[[pd.DataFrame], NDArray[np.float64]],
    preprocessing: Preprocessing,
    held_out: pd.DataFrame,
    *,
    tolerance: float | None = None,
) -> Parity:
    """Ask the file and the trained model about the same raw rows, in batches of 1, 7 and 256.

    Held-out rows; the same with values missing, infinite and never seen; the same far outside of
    what was seen; and rows as near as can be to where the answer changes. The trained model gets
    them by the Python preprocessing, so that both of its forms are compared too.

    Args:
        graph: the file.
        trained: scores of raw rows, by the model as it was trained.
        preprocessing: of it.
        held_out: rows to ask about.
        tolerance: of a probability, or of a prediction as a share of what is usual. A rounding
            error's unless given.

    Raises:
        ExportFailed: the file refuses a batch, or answers with something not finite.
    """
    count = sum(BATCHES)
    plain = held_out.iloc[np.arange(count) % len(held_out)].reset_index(drop=True)
    regression = preprocessing.task == "regression"
    usual = max(abs(preprocessing.target_mean), preprocessing.target_scale)
    allowed = tolerance or (_RELATIVE if regression else _PROBABILITY)
    sorts: dict[Literal["held out", "hard", "extreme", "edge"], pd.DataFrame] = {
        "held out": plain,
        "hard": hard(plain, preprocessing),
        "extreme": extreme(plain, preprocessing),
        "edge": edges(trained, plain, preprocessing),
    }
    compared = []
    for sort, frame in sorts.items():
        if not len(frame):
            continue
        expected = trained(frame).reshape(len(frame), -1)
        if sort == "extreme":  # far outside, the model itself may have no answer
            known = np.flatnonzero(np.isfinite(expected).all(axis=1))
            frame, expected = frame.iloc[known], expected[known]
            if not len(frame):
                continue
        answer = np.concatenate([_ask(graph, batch) for batch in _batches(frame)])
        difference = np.abs(answer - expected)
        flips = 0
        if regression:  # floats have so many digits: as a share of the prediction, if it is large
            difference /= np.maximum(usual, np.abs(expected))
        else:
            flips = int((answer.argmax(axis=1) != expected.argmax(axis=1)).sum())
        compared.append(
            Compared(
                sort=sort,
                rows=len(frame),
                max_abs_diff=float(difference.max()),
                flips=flips,
            )
        )
    largest = max(each.max_abs_diff for each in compared)
    return Parity(
        passed=largest <= allowed,
        batch_sizes=BATCHES,
        rows=sum(each.rows for each in compared),
        max_abs_diff=largest,
        tolerance=allowed,
        output=output_of(preprocessing),
        flips=None if regression else sum(each.flips for each in compared if each.sort != "edge"),
        sorts=tuple(compared),
    )


def _batches(frame: pd.DataFrame) -> list[pd.DataFrame]:
    ends = np.cumsum(BATCHES)
    parts = [frame.iloc[end - size : end] for size, end in zip(BATCHES, ends, strict=True)]
    return [part for part in parts if len(part)]


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
            f"values are missing, never seen or far outside; the model must bear a 0 in every "
            f"input, and numbers a hundred deviations from the mean"
        )
    return answer
