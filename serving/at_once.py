"""HTTP under uvicorn, without a task for requests that can be answered at once.

A task, an event and two messages each way cost more than most answers. A request that has arrived
as a whole is answered by plain calls; all others (bodies in parts, large ones, callers who read too
slowly) go through uvicorn's own way, and so does everything where the app is wrapped, for instance
to be traced.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from serving.app import App, Send, respond
from serving.bodies import Message, Receive
from serving.responses import Answer

_LARGEST = 64 * 1024
"""Bytes of a body that is read at once; a larger one would hold up others."""
_IN_A_ROW = 16
"""Requests that one read may bring and have answered at once, for the same reason."""
_Asgi = Any
"""uvicorn's type of an app."""


class AtOnce(HttpToolsProtocol):
    """One connection."""

    _feeding = False
    _left = 0
    """Requests that may still be answered at once."""
    _held: tuple[RequestResponseCycle, _Asgi] | None = None
    """What has begun while data was read, and perhaps is there as a whole."""

    def data_received(self, data: bytes) -> None:
        """Read what has arrived, and begin what is not there as a whole."""
        self._feeding, self._left = True, _IN_A_ROW
        try:
            super().data_received(data)
        finally:
            self._feeding = False
            self._begin_held()

    def on_message_begin(self) -> None:
        """Another request, behind one that is to begin first."""
        self._begin_held()
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A request is there: answer it, if nothing keeps from that."""
        super().on_message_complete()
        if self._held is None:
            return
        cycle, app = self._held
        if (
            not isinstance(app, App)
            or not self._left
            or len(cycle.body) > _LARGEST
            or cycle.waiting_for_100_continue
            or self.flow.write_paused
            or self.scope["method"] == "HEAD"
        ):
            return
        self._held = None
        self._left -= 1
        try:
            scope = cast("Message", self.scope)
            answer = app.begin(scope, bytes(cycle.body), time.monotonic())
        except Exception as error:  # a fault of ours; uvicorn tells of it, and answers 500
            answer = _failed(error)
        if isinstance(answer, Answer):
            self._write(cycle, answer)
        else:
            super()._start_asgi_task(cycle, partial(_awaited, answer))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: _Asgi) -> None:
        if self._feeding:
            self._held = cycle, app
        else:
            super()._start_asgi_task(cycle, app)

    def _begin_held(self) -> None:
        if self._held is not None:
            (cycle, app), self._held = self._held, None
            super()._start_asgi_task(cycle, app)

    def _write(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        """What uvicorn's cycle would do with the two messages of an answer."""
        parts = [STATUS_LINE[answer.status]]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        for name, value in answer.headers:  # ours, and an id that was read as a header
            parts += (name, b": ", value, b"\r\n")
            if name == b"connection":
                cycle.keep_alive = False
        body = answer.body
        if not cycle.keep_alive and (b"connection", b"close") not in answer.headers:
            parts.append(b"connection: close\r\n")
        parts += (b"content-length: %d\r\n\r\n" % len(body), body)
        self.transport.write(b"".join(parts))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()


async def _failed(error: Exception) -> Answer:
    raise error


async def _awaited(
    answer: Coroutine[Any, Any, Answer], scope: Message, receive: Receive, send: Send
) -> None:
    await respond(await answer, send)
