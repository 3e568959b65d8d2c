"""The same year without the loop: the first champion answers everything, and nobody watches."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlparse

import numpy as np

from benchmarks.year.events import Request
from perennial.client import Client
from serving.model import Model
from serving.rows import to_inputs


class FirstChampion:
    """A version's ONNX file, at work here as it was in the data plane."""

    def __init__(self, client: Client, model: str, version: int) -> None:
        """Load it out of the store of blobs, which is a folder on this machine."""
        onnx = client.version(model, version)["exported"]["onnx"]
        self._model = Model(Path(urlparse(onnx["uri"]).path))
        self._late = self._model.classes.index("1")

    def answers(self, requests: list[Request]) -> dict[int, float]:
        """Probability that a flight is late, by its row in the frame of the year."""
        flights = [flight for request in requests for flight in request.flights]
        rows = [row for request in requests for row in request.rows]
        if not rows:
            return {}
        found = self._model.answer(to_inputs(self._model, rows, len(rows)))
        return dict(zip(flights, found[:, self._late].astype(np.float64).tolist(), strict=True))
