"""HTTP servers: a span for each request, in the caller's trace if it tells of one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from opentelemetry import trace

from perennial.tracing.spans import Tracing, current

Message = Any
"""A mapping. Each framework has types of its own for it, and for what follows."""
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Any, Any], Awaitable[None]]

_CARRIED = (b"traceparent", b"tracestate")


class Traced:
    """An application whose requests are spans, and whose answers say which (`traceparent`)."""

    def __init__(
        self,
        app: App,
        tracing: Tracing,
        route: Callable[[Message], str],
        marks: Mapping[bytes, str] | None = None,
        passed_over: tuple[str, ...] = (),
    ) -> None:
        """Trace an application; when its lifespan ends, what is left is sent.

        Args:
            app: that answers.
            tracing: this process's.
            route: the template of a request's path, asked for once it was answered.
            marks: headers of answers that become attributes of the span, with their names.
            passed_over: paths that begin so are asked for all the time, and are not traced.
        """
        self._app = app
        self._tracing = tracing
        self._route = route
        self._marks = dict(marks or {})
        self._passed_over = passed_over

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, partial(self._last, send))
        elif scope["type"] != "http" or scope["path"].startswith(self._passed_over):
            await self._app(scope, receive, send)
        else:
            await self._trace(scope, receive, send)

    async def _last(self, send: Send, message: Message) -> None:
        """What is left is sent before the server hears that it may end."""
        if message["type"].startswith("lifespan.shutdown"):
            await asyncio.to_thread(self._tracing.close)
        await send(message)

    async def _trace(self, scope: Message, receive: Receive, send: Send) -> None:
        method = scope["method"]
        carrier = {
            name.decode(): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in _CARRIED
        }
        asked = {"http.request.method": method, "url.path": scope["path"]}
        with self._tracing.span(method, carrier, asked, trace.SpanKind.SERVER) as span:
            told = (b"traceparent", current().encode())

            async def marked(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = list(message.get("headers", ()))
                    self._mark(span, message["status"], headers)
                    message = {**message, "headers": [*headers, told]}
                await send(message)

            try:
                await self._app(scope, receive, marked)
            finally:
                route = self._route(scope)
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)

    def _mark(self, span: trace.Span, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(trace.StatusCode.ERROR)
        for name, value in headers:
            if name in self._marks:
                span.set_attribute(self._marks[name], value.decode("latin-1"))
