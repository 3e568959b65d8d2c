"""What callers are told: bodies, statuses, and the headers that say who answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from perennial.contracts.serving import CHAMPION
from serving import inference
from serving.errors import RequestRefused, TooBusy, TooLarge, TooSlow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from perennial.contracts.serving import Deployment, Variant
    from serving.answering import Turn
    from serving.desk import Served
    from serving.model import Model

Header = tuple[bytes, bytes]
Headers = dict[bytes, bytes]

VARIANT, REQUEST_ID = b"x-variant", b"x-request-id"
JSON = (b"content-type", b"application/json")
BINARY = (b"content-type", b"application/octet-stream")


class Answer(NamedTuple):
    """A status, headers and a body."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON,)


def as_json(said: Any, *headers: Header) -> Answer:
    """An answer in JSON."""
    return Answer(200, orjson.dumps(said), (JSON, *headers))


def refusal(error: RequestRefused) -> Answer:
    """Why a request was not answered."""
    said: dict[str, Any] = {"error": error.message}
    if error.row is not None:
        said["row"] = error.row
    headers = [JSON]
    if isinstance(error, TooBusy):
        headers.append((b"retry-after", b"1"))
    if isinstance(error, TooSlow | TooLarge):  # the rest of the body may still come: no next one
        headers.append((b"connection", b"close"))
    return Answer(error.status, json.dumps(said).encode(), tuple(headers))


def marks_of(deployment: Deployment) -> dict[str, tuple[Header, ...]]:
    """What each variant's answers say of who answered."""
    return {
        each.name: (
            (b"x-model", deployment.model.encode()),
            (b"x-model-version", b"%d" % each.version),
            (VARIANT, each.name.encode()),
        )
        for each in deployment.variants
    }


def marks(turn: Turn) -> tuple[Header, ...]:
    """Who answered, and to what."""
    return (
        (REQUEST_ID, turn.request_id),
        *turn.served.marks[turn.variant.name],
    )


def plain(model: Model, found: NDArray[np.float32]) -> list[Any]:
    """Numbers of a regression; else the likeliest class, and how likely each is."""
    if not model.classes:
        numbers: list[Any] = found[:, 0].tolist()
        return numbers
    best = found.argmax(axis=1)
    return [
        {"class": model.classes[index], "probabilities": dict(zip(model.classes, row, strict=True))}
        for index, row in zip(best.tolist(), found.tolist(), strict=True)
    ]


def about(served: Served, variant: Variant | None, *, ready: bool) -> Answer:
    """A model, or a version of it, as the Open Inference Protocol describes it.

    Args:
        served: the model.
        variant: that has the version; None for the champion's inputs and outputs.
        ready: whether only that is asked for: what is served has been loaded and warmed up.
    """
    if ready:
        return as_json({"name": served.deployment.model, "ready": True})
    whose = variant or served.router.named(CHAMPION) or served.deployment.variants[0]
    model = served.models[whose.name]
    said = {
        "name": served.deployment.model,
        "versions": sorted({str(each.version) for each in served.deployment.variants}),
        "platform": "onnx_onnxv1",
        "inputs": [
            {
                "name": each.name,
                "datatype": inference.BYTES if each.text else "FP32",
                "shape": [-1, len(each.columns)],
            }
            for each in model.inputs
        ],
        "outputs": [
            {"name": model.output, "datatype": "FP32", "shape": [-1, len(model.classes) or 1]}
        ],
    }
    return as_json(said)
