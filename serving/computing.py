"""What a model makes of a request's inputs."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from serving.errors import ModelFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.model import Model

Inputs = dict[str, "NDArray[Any]"]
_FEW = 16
"""Numbers of an answer that Python looks through sooner than numpy."""


def computed(model: Model, inputs: Inputs) -> tuple[NDArray[np.float32], float]:
    """A model's answer, and the seconds it took. Raises ModelFailed."""
    began = time.monotonic()
    try:
        found = model.answer(inputs)
    except Exception as error:  # ONNX Runtime has no one class for what goes wrong in a graph
        said = " ".join(str(error).split())[:300]
        raise ModelFailed(f"the model failed on this request: {said}") from error
    if not _is_finite(found):
        raise ModelFailed("the model answered this request with something that is not finite")
    return found, time.monotonic() - began


def _is_finite(found: NDArray[np.float32]) -> bool:
    if found.size <= _FEW:  # a sixth of the time that numpy takes; a sum keeps what is not finite
        return math.isfinite(sum(found.ravel().tolist()))
    return bool(np.isfinite(found).all())
