"""Traces of predictions: a span for each request, where this process is to trace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from perennial import tracing
from serving.app import App
from serving.bodies import Message

Hosted = Callable[[Message, Any, Any], Awaitable[None]]
"""An app, as a host takes it."""

_MARKS = {
    b"x-model": "perennial.model",
    b"x-model-version": "perennial.version",
    b"x-variant": "perennial.variant",
}
_NAMES = {"models": "{model}", "versions": "{version}"}


def traced(app: App) -> Hosted:
    """The app itself where nothing is traced, so that it costs nothing there."""
    made = tracing.start("perennial-serving")
    if made is None:
        return app
    from perennial.tracing.asgi import Traced

    return Traced(app, made, route, _MARKS, passed_over=("/v2/health/",))


def route(scope: Message) -> str:
    """The template of a path: what names a model or a version stands in brackets.

    A path that is none of ours has as many forms as callers have ideas: `other`.
    """
    parts = scope["path"].split("/")
    for place in range(2, len(parts) - 1):
        if name := _NAMES.get(parts[place]):
            verb = parts[place + 1].rpartition(":")[2]
            parts[place + 1] = f"{name}:predict" if verb == "predict" else name
    found = "/".join(parts)
    return found if found in _ROUTES else "other"


_ROUTES = {
    "/v1/models/{model}:predict",
    "/v2",
    "/v2/models/{model}",
    "/v2/models/{model}/infer",
    "/v2/models/{model}/ready",
    "/v2/models/{model}/versions/{version}/infer",
}
