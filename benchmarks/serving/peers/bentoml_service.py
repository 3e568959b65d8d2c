"""An ONNX file in BentoML, for `bentoml serve`; the file is named by BENCH_MODEL."""

import os
from typing import Annotated

import bentoml
import numpy as np
from bentoml.validators import DType

from benchmarks.serving.peers.session import INPUT, session


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Onnx:
    """One worker."""

    def __init__(self) -> None:
        self._session = session(os.environ["BENCH_MODEL"])

    # `async`, so that it runs at once: in its threads it is slower
    @bentoml.api
    async def predict(self, instances: Annotated[np.ndarray, DType("float32")]) -> np.ndarray:
        """Probabilities."""
        return self._session.run(None, {INPUT: instances})[0]
