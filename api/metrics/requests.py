"""Requests to the API: how many, how they ended, and how long their answers took to begin."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
OTHER = "other"
"""The route of whatever has none, and the method of whatever is none."""


def route_of(scope: Scope) -> str:
    """The template of the path that a request was for, once it has been routed."""
    return str(getattr(scope.get("route"), "path", OTHER))


class Requests:
    """Counts by method and route."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Counter(
            "perennial_api_requests",
            "Requests to the API that were answered, by the template of their path.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "perennial_api_request_seconds",
            "Seconds until an answer of the API begins.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=registry,
        )

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one request."""
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        route = route_of(scope)
        self._count.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)


class Counted:
    """Counts every request to an application. A live stream counts from its first word."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and see when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answered = time.perf_counter(), False

        async def watched(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                took = time.perf_counter() - began
                self._requests.answered(scope, message["status"], took)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if not answered:  # the answer of 500 is made outside of every middleware
                self._requests.answered(scope, 500, time.perf_counter() - began)
            raise
