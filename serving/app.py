"""The prediction app: ASGI without a framework, since one costs half of the throughput."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from perennial.contracts.serving import Variant
from serving import inference, responses, rows
from serving.answering import Answering, Turn
from serving.bodies import Bodies, Message, Receive
from serving.counting import Counting
from serving.desk import Desk, Served
from serving.errors import NotServed, RequestRefused, TooLarge
from serving.event_times import event_time
from serving.limits import Limits
from serving.logbook import Files
from serving.responses import Answer, Header, Headers
from serving.sending import Sending

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from serving.computing import Inputs
    from serving.model import Model

Send = Callable[[Message], Awaitable[None]]

Write = Callable[[Answer], None]

DEADLINE = b"x-request-timeout-ms"
_LENGTH = b"content-length"
_DIGITS = 18
"""Of a whole number that nobody means; Python refuses to read one of thousands."""
_HEADER_LENGTH = inference.HEADER_LENGTH.encode()
_log = logging.getLogger(__name__)
_ABOUT: tuple[list[str], ...] = [], ["ready"]
"""What may be asked of a model: what it is, and whether it answers."""


class App:
    """Answers requests from what its desk serves."""

    def __init__(
        self,
        desk: Desk,
        limits: Limits,
        counting: Counting,
        files: Files | None = None,
        alive: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        """Answer.

        Args:
            desk: what is served.
            limits: how much is taken.
            counting: told of every answer.
            files: of the log of requests; without them nothing is logged.
            alive: open from before the first request until after the last.
        """
        self._alive = alive
        self._desk = desk
        self._limits = limits
        self.bodies = Bodies(limits, counting)
        self.sending = Sending()
        self._answering = Answering(limits, counting, files)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection's request, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        began, body = time.monotonic(), b""
        try:
            if scope["method"] == "POST":
                length = next((value for name, value in scope["headers"] if name == _LENGTH), None)
                body = await self.bodies.read(_whole(length), receive)
        except RequestRefused as error:
            await respond(responses.refusal(error), send)
            return
        written: list[Answer] = []
        method, path, headers = scope["method"], scope["path"], scope["headers"]
        later = self.begin(method, path, headers, body, began, written.append)
        await respond(written[0] if later is None else await later, send)

    def begin(
        self,
        method: str,
        path: str,
        headers: Iterable[Header],
        body: bytes,
        began: float,
        write: Write,
    ) -> Coroutine[Any, Any, Answer] | None:
        """Answer; of a larger request, what is to be awaited for its answer.

        Args:
            method: of the request.
            path: without the query, and decoded.
            headers: their names in small letters.
            body: all of it.
            began: when the request came, on the monotonic clock.
            write: called with the answer, unless there is something to be awaited. What is left to
                do for the request is done afterwards, while its answer travels.
        """
        try:
            answer = self._answer(method, path, headers, body, began, write)
        except RequestRefused as error:
            answer = responses.refusal(error)
        if not isinstance(answer, Answer):
            return answer
        write(answer)
        return None

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self._alive():
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await self._answering.close()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})

    def _answer(
        self,
        method: str,
        path: str,
        headers: Iterable[Header],
        body: bytes,
        began: float,
        write: Write,
    ) -> Answer | Coroutine[Any, Any, Answer] | None:
        """The answer, what is to be awaited for it, or None where it has been written."""
        if len(body) > self._limits.body_bytes:
            raise TooLarge(
                f"a body of {len(body)} bytes is more than the {self._limits.body_bytes} taken"
            )
        parts = path.split("/")
        if method == "POST":
            match parts:
                case ["", "v2", "models", name, "infer"]:
                    return self._infer(name, None, began, dict(headers), body, write)
                case ["", "v1", "models", name] if name.endswith(":predict"):
                    return self._predict(name[:-8], began, dict(headers), body, write)
                case ["", "v2", "models", name, "versions", version, "infer"]:
                    return self._infer(name, version, began, dict(headers), body, write)
        elif method == "GET":
            match parts:
                case ["", "v2", "health", "live"]:
                    return Answer(200, b'{"live":true}')
                case ["", "v2", "health", "ready"]:
                    ready = self._desk.ready
                    return Answer(
                        200 if ready else 503, b'{"ready":%s}' % str(ready).lower().encode()
                    )
                case ["", "v2"]:
                    return responses.as_json(
                        {"name": "perennial", "extensions": ["binary_tensor_data"]}
                    )
                case ["", "v2", "models", name, *rest] if rest in _ABOUT:
                    return responses.about(self._desk.find(name), None, ready=bool(rest))
                case ["", "v2", "models", name, "versions", number, *rest] if rest in _ABOUT:
                    served = self._desk.find(name)
                    return responses.about(served, _of_version(served, number), ready=bool(rest))
        raise NotServed(f"there is no {method} {path} here")

    def _predict(
        self, name: str, began: float, headers: Headers, body: bytes, write: Write
    ) -> Coroutine[Any, Any, Answer] | None:
        """Rows as people write them."""
        served = self._desk.find(name)
        try:
            asked = from_json(body)
            instances = asked["instances"]
        except (ValueError, KeyError, TypeError) as error:
            raise RequestRefused(
                f'the body is not {{"instances": [...]}}: {type(error).__name__}: {error}'
            ) from None
        variant, named, entity = _variant(
            served, headers, lambda field: rows.value_of(field, instances)
        )
        turn = self._turn(served, variant, named, entity, began, headers)
        convert = partial(rows.to_inputs, rows=instances, most=self._limits.rows)
        inputs = self._answering.read(turn, convert)

        def said(found: NDArray[np.float32]) -> Answer:
            body = {
                "predictions": responses.plain(turn.model, found),
                "model_version": str(variant.version),
            }
            return responses.as_json(body, *responses.marks(turn))

        return self._computed(turn, inputs, convert, said, write)

    def _infer(
        self,
        name: str,
        version: str | None,
        began: float,
        headers: Headers,
        body: bytes,
        write: Write,
    ) -> Coroutine[Any, Any, Answer] | None:
        """Tensors, by the Open Inference Protocol."""
        served = self._desk.find(name)
        length = _whole(headers.get(_HEADER_LENGTH))
        if version:
            variant, named, entity = _of_version(served, version), True, None
        else:
            variant, named, entity = _variant(
                served, headers, lambda field: inference.value_of(field, body, length)
            )
        turn = self._turn(served, variant, named, entity, began, headers)
        read = partial(inference.read, body=body, header_length=length, most=self._limits.rows)
        asked = self._answering.read(turn, read)

        def said(found: NDArray[np.float32]) -> Answer:
            text, head = inference.write(name, variant.version, asked, turn.model.output, found)
            marks = responses.marks(turn)
            if head is None:
                return Answer(200, text, (responses.JSON, *marks))
            size = (_HEADER_LENGTH, b"%d" % head)
            return Answer(200, text, (responses.BINARY, size, *marks))

        return self._computed(turn, asked.inputs, lambda model: read(model).inputs, said, write)

    def _computed(
        self,
        turn: Turn,
        inputs: Inputs,
        convert: Callable[[Model], Inputs],
        said: Callable[[NDArray[np.float32]], Answer],
        write: Write,
    ) -> Coroutine[Any, Any, Answer] | None:
        if not self._answering.is_short(inputs):
            return self._awaited(turn, inputs, convert, said)
        found, took = self._answering.computed(turn, inputs, convert)
        write(said(found))
        try:
            self._answering.answered(turn, inputs, convert, found, took)
        except Exception:  # a fault of ours, and the caller has an answer
            _log.exception("a request was answered, and not counted or logged")
        return None

    async def _awaited(
        self,
        turn: Turn,
        inputs: Inputs,
        convert: Callable[[Model], Inputs],
        said: Callable[[NDArray[np.float32]], Answer],
    ) -> Answer:
        try:
            return said(await self._answering.beside(turn, inputs, convert))
        except RequestRefused as error:
            return responses.refusal(error)

    def _turn(
        self,
        served: Served,
        variant: Variant,
        named: bool,
        entity: bytes | None,
        began: float,
        headers: Headers,
    ) -> Turn:
        told, most = _whole(headers.get(DEADLINE)), self._limits.seconds
        seconds = most if told is None else min(most, told / 1000)
        request_id = headers.get(responses.REQUEST_ID) or b"%032x" % random.getrandbits(128)
        at = event_time(headers, time.time()) if served.told else None
        model = served.models[variant.name]
        return Turn(served, variant, model, named, began, seconds, request_id, entity, at)


async def respond(answer: Answer, send: Send) -> None:
    """Send an answer, as ASGI has it."""
    head = [*answer.headers, (_LENGTH, b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    await send({"type": "http.response.body", "body": answer.body})


def _variant(
    served: Served, headers: Headers, told: Callable[[str], bytes | None]
) -> tuple[Variant, bool, bytes | None]:
    """Whom a tester names, else whom the entity belongs to; whether it was named; the entity.

    `told` is what the request's first row has in a field.
    """
    if (asked := headers.get(responses.VARIANT)) is not None:
        found = served.router.named(asked.decode("latin-1"))
        if found is None:
            names = ", ".join(each.name for each in served.deployment.variants)
            raise NotServed(f"there is no variant {asked.decode('latin-1')!r}; there are: {names}")
        return found, True, None
    entity = served.deployment.entity
    if entity is None:
        return served.router.choose(None), False, None
    key = headers.get(served.router.header)
    if key is None:
        key = told(entity)
    return served.router.choose(key), False, key


def _of_version(served: Served, version: str) -> Variant:
    for variant in served.deployment.variants:
        if str(variant.version) == version:
            return variant
    raise NotServed(f"version {version} of {served.deployment.model} is not served here")


def _whole(text: bytes | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or len(text) > _DIGITS:
        raise RequestRefused(f"{text.decode('latin-1')[:40]!r} is no whole number, or too large")
    return int(text)
