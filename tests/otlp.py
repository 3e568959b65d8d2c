"""A receiver of traces: OTLP over real HTTP, kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """One span, as it came."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, str | int]


@dataclass
class Received:
    """All spans so far."""

    url: str
    spans: list[Span] = field(default_factory=list)
    more: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, *names: str, seconds: float = 20) -> dict[str, Span]:
        """The last span of each name, once there is one of each."""
        with self.more:
            found = self.more.wait_for(lambda: self._found(names), seconds)
            assert found, f"{names} did not come; there are {[span.name for span in self.spans]}"
            return {span.name: span for span in self.spans}

    def _found(self, names: tuple[str, ...]) -> bool:
        return set(names) <= {span.name for span in self.spans}

    def _take(self, body: bytes) -> None:
        asked = ExportTraceServiceRequest.FromString(body)
        fresh = [
            Span(
                service=next(
                    each.value.string_value
                    for each in group.resource.attributes
                    if each.key == "service.name"
                ),
                name=span.name,
                trace=span.trace_id.hex(),
                id=span.span_id.hex(),
                parent=span.parent_span_id.hex(),
                attributes={
                    each.key: each.value.string_value or each.value.int_value
                    for each in span.attributes
                },
            )
            for group in asked.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
        with self.more:
            self.spans += fresh
            self.more.notify_all()


@contextmanager
def otlp_receiver() -> Iterator[Received]:
    """Listens on a free port for as long as the block lasts."""

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received._take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    received = Received(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
