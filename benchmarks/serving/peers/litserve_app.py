"""An ONNX file in LitServe: `python -m ... PORT FILE`.

A process that answers and one that computes, which is the least that it has.
"""

from __future__ import annotations

import sys
from typing import Any

import litserve
import numpy as np

from benchmarks.serving.peers.session import INPUT, session


class Onnx(litserve.LitAPI):
    """One worker."""

    def setup(self, device: str) -> None:
        """Load the model."""
        self._session = session(sys.argv[2])

    def decode_request(self, request) -> np.ndarray:  # noqa: ANN001 (it reads the annotation)
        """Rows of a body."""
        return np.array(request["instances"], dtype=np.float32)

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Probabilities."""
        return self._session.run(None, {INPUT: rows})[0]

    def encode_response(self, found: np.ndarray) -> dict[str, Any]:
        """A body."""
        return {"predictions": found.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Onnx(), accelerator="cpu", devices=1, workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
