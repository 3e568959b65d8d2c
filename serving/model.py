"""One ONNX file at work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort

from serving.columns import Input

if TYPE_CHECKING:
    from numpy.typing import NDArray

META = "perennial"
_WARM_UP = (1, 2, 64)
"""Rows of the requests that nobody asked for: the first ones of a session are slow."""


class Model:
    """A session on one thread, which answers one request at a time, and what it is fed."""

    def __init__(self, path: Path) -> None:
        """Load it.

        Raises:
            onnxruntime's own errors where the file is none that it can run.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        meta: dict[str, Any] = json.loads(self._session.get_modelmeta().custom_metadata_map[META])
        self.classes: tuple[str, ...] = tuple(meta["classes"])
        vectors: dict[str, list[str]] = meta["vectors"]
        categorical = set(meta["categorical"])
        self.inputs = tuple(
            Input(each.name, tuple(vectors.get(each.name, [each.name])), each.name in categorical)
            for each in self._session.get_inputs()
        )
        self.output: str = self._session.get_outputs()[0].name
        self._outputs = [self.output]
        self._run = self._session._sess.run

    def warm_up(self) -> None:
        """Answer rows of nothing, so that the first real request is as quick as others."""
        for rows in _WARM_UP:
            self.answer(
                {
                    each.name: np.full((rows, len(each.columns)), "", dtype=object)
                    if each.text
                    else np.zeros((rows, len(each.columns)), dtype=np.float32)
                    for each in self.inputs
                }
            )

    def answer(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Probabilities `[rows, classes]`, or predictions `[rows, 1]`, float32.

        Args:
            inputs: by name: float32 or text `[rows, columns]`.
        """
        # the session's own `run` checks for devices and inputs that are never others here
        found: NDArray[np.float32] = self._run(self._outputs, inputs, None)[0]
        return found
