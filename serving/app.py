"""The prediction app: ASGI without a framework, since one costs half of the throughput."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic_core import from_json, to_json

from perennial.contracts.serving import Variant
from serving import inference, rows
from serving.counting import Counting
from serving.desk import Desk, Served
from serving.errors import ModelFailed, NotServed, RequestRefused, TooBusy, TooLarge, TooLate
from serving.limits import Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.model import Model

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = dict[bytes, bytes]

VARIANT, DEADLINE, REQUEST_ID = b"x-variant", b"x-request-timeout-ms", b"x-request-id"
_JSON = (b"content-type", b"application/json")
_BINARY = (b"content-type", b"application/octet-stream")


class Answer(NamedTuple):
    """A status, headers and a body."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (_JSON,)


class App:
    """Answers requests from what its desk serves."""

    def __init__(
        self,
        desk: Desk,
        limits: Limits,
        counting: Counting,
        alive: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        """Answer.

        Args:
            desk: what is served.
            limits: how much is taken.
            counting: told of every answer.
            alive: open from before the first request until after the last.
        """
        self._alive = alive
        self._desk = desk
        self._counting = counting
        self._limits = limits
        self._under_way = 0
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="large-requests")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection's request, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        try:
            answer = await self._answer(scope, receive)
        except RequestRefused as error:
            answer = _refusal(error)
        head = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        await send({"type": "http.response.body", "body": answer.body})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self._alive():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        parts = scope["path"].split("/")
        if scope["method"] == "POST":
            began = time.monotonic()
            match parts:
                case ["", "v1", "models", name] if name.endswith(":predict"):
                    return await self._predict(name[:-8], began, scope, receive)
                case ["", "v2", "models", name, "infer"]:
                    return await self._infer(name, None, began, scope, receive)
                case ["", "v2", "models", name, "versions", version, "infer"]:
                    return await self._infer(name, version, began, scope, receive)
        elif scope["method"] == "GET":
            match parts:
                case ["", "v2", "health", "live"]:
                    return Answer(200, b'{"live":true}')
                case ["", "v2", "health", "ready"]:
                    ready = self._desk.ready
                    return Answer(
                        200 if ready else 503, b'{"ready":%s}' % str(ready).lower().encode()
                    )
                case ["", "v2"]:
                    return _json({"name": "perennial", "extensions": ["binary_tensor_data"]})
                case ["", "v2", "models", name]:
                    return _json(_metadata(self._desk.find(name)))
                case ["", "v2", "models", name, "ready"]:
                    self._desk.find(name)
                    return _json({"name": name, "ready": True})
        raise NotServed(f"there is no {scope['method']} {scope['path']} here")

    async def _predict(self, name: str, began: float, scope: Message, receive: Receive) -> Answer:
        """Rows as people write them."""
        served, headers = self._desk.find(name), dict(scope["headers"])
        body = await self._body(headers, receive)
        try:
            asked = from_json(body)
            instances = asked["instances"]
        except (ValueError, KeyError, TypeError) as error:
            raise RequestRefused(
                f'the body is not {{"instances": [...]}}: {type(error).__name__}: {error}'
            ) from None
        variant, named = _variant(served, headers, instances)
        model = served.models[variant.name]
        inputs = rows.to_inputs(model, instances, self._limits.rows)
        found = await self._counted(served, variant, named, inputs, began, headers)
        said = {"predictions": _plain(model, found), "model_version": str(variant.version)}
        return _json(said, *_marks(served, variant, headers))

    async def _infer(
        self, name: str, version: str | None, began: float, scope: Message, receive: Receive
    ) -> Answer:
        """Tensors, by the Open Inference Protocol."""
        served, headers = self._desk.find(name), dict(scope["headers"])
        body = await self._body(headers, receive)
        if version:
            variant, named = _of_version(served, version), True
        else:
            variant, named = _variant(served, headers, None)
        model = served.models[variant.name]
        length = headers.get(inference.HEADER_LENGTH.encode())
        asked = inference.read(model, body, _whole(length), self._limits.rows)
        found = await self._counted(served, variant, named, asked.inputs, began, headers)
        text, head = inference.write(name, variant.version, asked, model.output, found)
        marks = _marks(served, variant, headers)
        if head is None:
            return Answer(200, text, (_JSON, *marks))
        size = (inference.HEADER_LENGTH.encode(), b"%d" % head)
        return Answer(200, text, (_BINARY, size, *marks))

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        most = self._limits.body_bytes
        if (told := _whole(headers.get(b"content-length"))) is not None and told > most:
            raise TooLarge(f"a body of {told} bytes is more than the {most} that are taken")
        message = await receive()
        body: bytes = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
            if len(body) > most:
                raise TooLarge(f"the body is more than the {most} bytes that are taken")
        return body

    async def _counted(
        self,
        served: Served,
        variant: Variant,
        named: bool,
        inputs: dict[str, NDArray[Any]],
        began: float,
        headers: Headers,
    ) -> NDArray[np.float32]:
        """The variant's answer. What it failed at is counted too, what it was not asked is not.

        Nor is what was asked of it by name: testers choose their requests, so these say nothing of
        how variants compare on the others'.
        """
        try:
            found = await self._computed(served.models[variant.name], inputs, began, headers)
        except (ModelFailed, TooLate):
            if not named:
                self._counting.answered(served.deployment, variant, time.monotonic() - began, None)
            raise
        if not named:
            self._counting.answered(served.deployment, variant, time.monotonic() - began, found)
        return found

    async def _computed(
        self, model: Model, inputs: dict[str, NDArray[Any]], began: float, headers: Headers
    ) -> NDArray[np.float32]:
        """The answer, unless too many wait for theirs or the caller's time is over."""
        limits = self._limits
        if self._under_way >= limits.waiting:
            raise TooBusy(f"{limits.waiting} requests are under way; come back in a second")
        told = _whole(headers.get(DEADLINE))
        seconds = limits.seconds if told is None else min(limits.seconds, told / 1000)
        if time.monotonic() - began > seconds:
            raise TooLate(f"the request has waited longer than its {seconds:g} s")
        if len(next(iter(inputs.values()))) <= limits.inline_rows:
            return _asked(model, inputs)
        self._under_way += 1
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds - (time.monotonic() - began)):
                return await loop.run_in_executor(self._threads, _asked, model, inputs)
        except TimeoutError:
            raise TooLate(f"the request was not answered in its {seconds:g} s") from None
        finally:
            self._under_way -= 1


def _asked(model: Model, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    try:
        found = model.answer(inputs)
    except Exception as error:  # ONNX Runtime has no one class for what goes wrong in a graph
        said = " ".join(str(error).split())[:300]
        raise ModelFailed(f"the model failed on this request: {said}") from error
    if not np.isfinite(found).all():
        raise ModelFailed("the model answered this request with something that is not finite")
    return found


def _variant(served: Served, headers: Headers, instances: Any) -> tuple[Variant, bool]:
    """Whom a tester names, else whom the entity belongs to; and whether it was named."""
    if (asked := headers.get(VARIANT)) is not None:
        found = served.router.named(asked.decode("latin-1"))
        if found is None:
            names = ", ".join(each.name for each in served.deployment.variants)
            raise NotServed(f"there is no variant {asked.decode('latin-1')!r}; there are: {names}")
        return found, True
    entity = served.deployment.entity
    if entity is None:
        return served.router.choose(None), False
    key = headers.get(entity.lower().encode())
    if key is None and isinstance(instances, list) and instances and isinstance(instances[0], dict):
        value = instances[0].get(entity)
        key = None if value is None else str(value).encode()
    return served.router.choose(key), False


def _of_version(served: Served, version: str) -> Variant:
    for variant in served.deployment.variants:
        if str(variant.version) == version:
            return variant
    raise NotServed(f"version {version} of {served.deployment.model} is not served here")


def _marks(served: Served, variant: Variant, headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """Who answered, and to what."""
    asked = headers.get(REQUEST_ID) or os.urandom(16).hex().encode()
    return (
        (REQUEST_ID, asked),
        (b"x-model", served.deployment.model.encode()),
        (b"x-model-version", b"%d" % variant.version),
        (VARIANT, variant.name.encode()),
    )


def _plain(model: Model, found: NDArray[np.float32]) -> list[Any]:
    """Numbers of a regression; else the likeliest class, and how likely each is."""
    if not model.classes:
        numbers: list[Any] = found[:, 0].tolist()
        return numbers
    best = found.argmax(axis=1)
    return [
        {"class": model.classes[index], "probabilities": dict(zip(model.classes, row, strict=True))}
        for index, row in zip(best.tolist(), found.tolist(), strict=True)
    ]


def _metadata(served: Served) -> dict[str, Any]:
    champion = served.deployment.variants[0]
    model = served.models[champion.name]
    return {
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


def _whole(text: bytes | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit():
        raise RequestRefused(f"{text.decode('latin-1')!r} is no whole number")
    return int(text)


def _json(said: Any, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(200, to_json(said), (_JSON, *headers))


def _refusal(error: RequestRefused) -> Answer:
    said: dict[str, Any] = {"error": error.message}
    if error.row is not None:
        said["row"] = error.row
    headers = (_JSON, (b"retry-after", b"1")) if isinstance(error, TooBusy) else (_JSON,)
    return Answer(error.status, json.dumps(said).encode(), headers)
