"""An exported model at work: one ONNX file, raw rows in, probabilities or predictions out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
import pandas as pd

from activities.modelling.export import artefacts
from activities.modelling.values import as_numbers, as_text
from perennial.contracts.errors import EvidenceInvalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

META = "perennial"
THREADS = 1
"""Of a session, as where it is served: more sessions scale better than more threads."""
_ROWS_AT_ONCE = 8192


class Graph:
    """A session of ONNX Runtime on one thread, and what the file says of itself."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises ExportFailed where it is a file that must not be run."""
        artefacts.check(path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = THREADS
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._meta: dict[str, Any] = json.loads(
            self._session.get_modelmeta().custom_metadata_map[META]
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """The texts of the classes, by column of the answer; empty for a regression."""
        return tuple(self._meta["classes"])

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column it reads."""
        vectors = (name for group in self._meta["vectors"].values() for name in group)
        return (*self._meta["numeric"], *vectors, *self._meta["categorical"])

    @property
    def categories(self) -> tuple[str, ...]:
        """Columns that it reads as text; the others are numbers to it."""
        return tuple(self._meta["categorical"])

    def inputs(self, frame: pd.DataFrame) -> dict[str, NDArray[np.generic]]:
        """The graph's inputs for raw rows, by name.

        float32 `[rows, 1]` for a numeric column, float32 `[rows, columns]` for a vector, text
        `[rows, 1]` for a category.
        """
        inputs: dict[str, NDArray[np.generic]] = {
            name: as_numbers(frame, (name,)) for name in self._meta["numeric"]
        }
        for name, columns in self._meta["vectors"].items():
            inputs[name] = as_numbers(frame, tuple(columns))
        for name in self._meta["categorical"]:
            inputs[name] = as_text(frame[name])[:, None]
        return inputs

    def run(self, inputs: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
        """The answer: `[rows, classes]`, or `[rows, 1]` of a regression."""
        answer: NDArray[np.float32] = self._session.run(None, inputs)[0]
        return answer

    def scores(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Probabilities `[rows, classes]`, or predictions `[rows]`, of raw rows."""
        parts = []
        for first in range(0, len(frame), _ROWS_AT_ONCE):
            parts.append(self.run(self.inputs(frame.iloc[first : first + _ROWS_AT_ONCE])))
        answer = np.concatenate(parts).astype(np.float64)
        return answer if self.classes else answer[:, 0]


def champion_scores(
    graph: Graph, frame: pd.DataFrame, classes: tuple[str, ...], version: int
) -> NDArray[np.float64]:
    """Scores of a champion on rows of today, its classes in the order of today's.

    Raises:
        EvidenceInvalid: it reads a column that these rows have not.
    """
    if missing := [name for name in graph.columns if name not in frame.columns]:
        raise EvidenceInvalid(
            f"the champion, version {version}, reads the column {', '.join(missing)}, which "
            f"this snapshot has not, so the two cannot be compared; keep it in load(), or retire "
            f"that champion"
        )
    scores = graph.scores(frame)
    if not classes:
        return scores
    known = {name: scores[:, i] for i, name in enumerate(graph.classes)}
    nothing = np.zeros(len(frame))
    return np.column_stack([known.get(name, nothing) for name in classes])
