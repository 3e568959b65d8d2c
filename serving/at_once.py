"""HTTP under uvicorn, without a task for requests that can be answered at once.

A task, an event, what they need of a request and two messages each way cost more than most answers.
A request is answered by plain calls once all of it is there; large ones, callers who read too
slowly and all else go through uvicorn's own way, and so does everything where the app is wrapped,
for instance to be traced.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable
from functools import lru_cache, partial
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from serving.app import App, Send, respond
from serving.bodies import Message, Receive
from serving.errors import RequestRefused
from serving.responses import Answer, Header, refusal

_LARGEST = 64 * 1024
"""Bytes of a body that is read at once; a larger one would hold up others."""
_IN_A_ROW = 16
"""Requests that one read may bring and have answered at once, for the same reason."""
_KNOWN = 256
"""Bytes of a URL whose path is remembered: those of models are short, and callers choose others."""
_Asgi = Any
"""uvicorn's type of an app."""


class AtOnce(HttpToolsProtocol):
    """One connection."""

    timeout_keep_alive_task: asyncio.TimerHandle | None
    _left = 0
    """Requests that may still be answered at once."""
    _parts: list[bytes] | None = None
    """The body of a request of which uvicorn knows nothing yet; None where there is no such."""
    _size = 0
    """Bytes of it so far."""
    _began = 0.0
    """When its head was there, on the monotonic clock."""
    _held = False
    """Whether the rest of it is waited for."""
    _instead: _Asgi = None
    """What answers the request that uvicorn is told of, if not the app."""
    _idle_since: float | None = None
    """From when on a request's head is waited for, by the loop's clock; None once one is there."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, as for those that follow."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read what has arrived, and wait for the rest of a small request."""
        # uvicorn's own way heeds a path before ours, and a bound on connections
        ours = isinstance(self.app, App) and not self.root_path and self.limit_concurrency is None
        self._left = _IN_A_ROW if ours else 0
        super().data_received(data)
        if self._parts is not None and not self._held and not self.transport.is_closing():
            self._held = _is_small(self.headers) and self.app.bodies.hold(self._late)
            if not self._held:
                self._hand_over()

    def on_message_begin(self) -> None:
        """Another request; what uvicorn makes of it here is made once it is handed over."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._idle_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """A request whose body may follow: keep it, if it may be answered at once."""
        self._idle_since = None
        self._parts, self._size, self._began = [], 0, time.monotonic()
        if (
            not self._left
            or self.expect_100_continue
            or self.parser.should_upgrade()
            or not (self.cycle is None or self.cycle.response_complete)
        ):
            self._hand_over()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._parts is None:
            super().on_body(body)
            return
        self._parts.append(body)
        self._size += len(body)
        if self._size > _LARGEST:
            self._hand_over()

    def on_message_complete(self) -> None:
        """A request is there: answer it, if nothing keeps from that."""
        parts = self._parts
        if parts is None:
            super().on_message_complete()
            return
        method = self.parser.get_method()
        if self.flow.write_paused or method == b"HEAD":
            self._hand_over()
            super().on_message_complete()
            return
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._left -= 1
        url = self.url
        path = _known_path(url) if len(url) <= _KNOWN else _path(url)
        try:
            later = self.app.begin(
                method.decode(), path, self.headers, body, self._began, self._answer
            )
        except Exception as error:  # a fault of ours; uvicorn tells of it, and answers 500
            if self._parts is None:  # but not once more
                raise
            later = _failed(error)
        if later is not None:
            self._instead = partial(_awaited, later)
            self._hand_over()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what came meanwhile, else wait: as uvicorn does, with one timer for all.

        A timer made and cancelled for each request costs half of what the model's answer does.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._wait()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, if the head of a request has not come for so long."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if self.cycle is not None and not self.cycle.response_complete:
            left = self.timeout_keep_alive  # a head comes while the request before it is answered
        if left > 0:
            self._look_in(left)
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        """Keep nothing of it."""
        self._let_go()
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def eof_received(self) -> None:
        """Answer what was asked before: the connection is closed behind this.

        Rarely in the same round, where the last read had filled its buffer.
        """
        self._send()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, behind the answers to what was."""
        self._send()
        super().send_400_response(msg)

    def shutdown(self) -> None:
        """Take no more requests, but answer the one that is arriving."""
        self._send()
        if self._parts is not None:
            self._hand_over()
        super().shutdown()

    def _unset_keepalive_if_required(self) -> None:
        """Nothing: a head that comes byte by byte is not waited for without end."""

    def _wait(self) -> None:
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_in(self.timeout_keep_alive)

    def _look_in(self, seconds: float) -> None:
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, handler)

    def _hand_over(self) -> None:
        """Have uvicorn do what it does with a request whose headers, and some of the body, came."""
        url, headers, expected = self.url, self.headers, self.expect_100_continue
        parts = self._let_go()
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expected
        self.headers.extend(headers)  # the scope's own list
        super().on_headers_complete()
        for part in parts:
            super().on_body(part)

    def _let_go(self) -> list[bytes]:
        """What was kept of a body; it is kept no more."""
        if self._held:
            self._held = False
            self.app.bodies.let_go(self._late)
        parts, self._parts = self._parts or [], None
        return parts

    def _late(self, error: RequestRefused) -> None:
        """The rest of a body has not come."""
        self._answer(refusal(error))

    def _answer(self, answer: Answer) -> None:
        """The answer to the request that is there."""
        self._let_go()
        self._write(answer)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: _Asgi) -> None:
        instead, self._instead = self._instead, None
        super()._start_asgi_task(cycle, instead or app)

    def _send(self) -> None:
        """Send the answers that wait for others, before something else happens here."""
        if isinstance(self.app, App):
            self.app.sending.send()

    def _write(self, answer: Answer) -> None:
        """What uvicorn's cycle would do with the two messages of an answer."""
        keep = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        parts = [STATUS_LINE[answer.status]]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        for name, value in answer.headers:  # ours, and an id that was read as a header
            parts += (name, b": ", value, b"\r\n")
            if name == b"connection":
                keep = False
        body = answer.body
        if not keep and (b"connection", b"close") not in answer.headers:
            parts.append(b"connection: close\r\n")
        parts += (b"content-length: %d\r\n\r\n" % len(body), body)
        self.app.sending.put(self.transport, b"".join(parts), self._began)
        if not keep:
            self._send()
            self.transport.close()
        self.on_response_complete()


def _is_small(headers: Iterable[Header]) -> bool:
    """Whether all of a request may be waited for."""
    length = dict(headers).get(b"content-length", b"")
    return length.isdigit() and len(length) < 6 and int(length) <= _LARGEST


def _path(url: bytes) -> str:
    """What uvicorn's scope has as its path."""
    path: bytes = httptools.parse_url(url).path
    return unquote(path.decode("ascii"))


_known_path = lru_cache(1024)(_path)


async def _failed(error: Exception) -> Answer:
    raise error


async def _awaited(
    answer: Coroutine[Any, Any, Answer], scope: Message, receive: Receive, send: Send
) -> None:
    await respond(await answer, send)
