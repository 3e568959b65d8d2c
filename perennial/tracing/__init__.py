"""Traces by OpenTelemetry, where `OTEL_EXPORTER_OTLP_ENDPOINT` says where to send them.

Elsewhere nothing of it is loaded, and nothing is done. All of `OTEL_*` is the SDK's own, such as
`OTEL_TRACES_SAMPLER`; spans go by OTLP over HTTP.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temporalio.client import Interceptor

    from perennial.tracing.spans import Tracing

_WHERE = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def wanted() -> bool:
    """Whether this process is to trace what it does."""
    return any(os.environ.get(name) for name in _WHERE)


def start(service: str) -> Tracing | None:
    """What a process traces with from now on, until it closes it; None where it is not to.

    Args:
        service: the name by which its spans are found.
    """
    if not wanted():
        return None
    from perennial.tracing.spans import Tracing

    return Tracing(service)


def interceptors(tracing: Tracing | None) -> list[Interceptor]:
    """For a client of Temporal, and all workers that are made of it."""
    if tracing is None:
        return []
    from perennial.tracing.workflows import interceptors

    return interceptors(tracing)


def traceparent() -> str:
    """The span that this code runs in, as W3C's header has it; empty outside of any."""
    if not wanted():
        return ""
    from perennial.tracing.spans import current

    return current()


@contextmanager
def continued(
    service: str, name: str, parent: str, attributes: Mapping[str, str]
) -> Iterator[None]:
    """Run a block as a span of a trace that began elsewhere, and send it before going on.

    Args:
        service: the name by which the span is found.
        name: of the span.
        parent: as `traceparent` gave it; where it is empty, nothing is traced.
        attributes: of the span.
    """
    tracing = start(service) if parent else None
    if tracing is None:
        yield
        return
    try:
        with tracing.span(name, {"traceparent": parent}, attributes):
            yield
    finally:
        tracing.close()


@contextmanager
def within(parent: str) -> Iterator[None]:
    """Have what is traced in a block be part of a trace that began elsewhere.

    Args:
        parent: as W3C's `traceparent` has it; where it is empty or none, nothing is other.
    """
    if not (parent and wanted()):
        yield
        return
    from perennial.tracing.spans import below

    with below(parent):
        yield
