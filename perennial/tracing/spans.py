"""Spans, and where they go. Loaded only by processes that trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

W3C = TraceContextTextMapPropagator()
_SEND_SECONDS = 2.0
"""A receiver that hangs must not keep a process from ending."""


class Tracing:
    """Of one process; nothing of it is global.

    Attributes:
        tracer: makes spans.
    """

    def __init__(self, service: str) -> None:
        """Send spans from now on, in the background.

        Args:
            service: the name by which they are found.
        """
        # the SDK's own way out waits for a receiver that may be gone
        self._provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: service}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(timeout=_SEND_SECONDS))
        )
        self.tracer = self._provider.get_tracer("perennial")

    def span(
        self,
        name: str,
        carrier: Mapping[str, str],
        attributes: Mapping[str, str | int],
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
    ) -> AbstractContextManager[trace.Span]:
        """A span that lasts as long as its block, below the one that a carrier tells of, if any."""
        return self.tracer.start_as_current_span(
            name,
            context=W3C.extract(carrier),
            kind=kind,
            attributes=dict(attributes),
        )

    def close(self) -> None:
        """Send what has not been sent, and end."""
        self._provider.shutdown()


def current() -> str:
    """The current span, as W3C's header has it; empty where there is none."""
    carrier: dict[str, str] = {}
    W3C.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def below(traceparent: str) -> Iterator[None]:
    """Have spans that are made in a block be below one that W3C's header tells of."""
    token = context.attach(W3C.extract({"traceparent": traceparent}))
    try:
        yield
    finally:
        context.detach(token)
