"""Temporal: what a request led to is in the request's trace, also what its model did later.

The SDK's interceptor puts everything that a workflow does into the trace of the request that began
it. A model's workflow lives for years, and its first request would have the spans of all others. So
an update's handler works in the trace of whoever asked; and a run, which the workflow's main loop
starts when it is its turn, begins in the trace of the request that it was accepted for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import context, trace
from temporalio import client, worker, workflow
from temporalio.api.common.v1 import Payload
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.converter import PayloadConverter

from perennial.tracing.spans import W3C, Tracing

_HEADER = "_tracer-data"


def interceptors(tracing: Tracing) -> list[client.Interceptor]:
    """For a client, and all workers that are made of it."""
    # the first one's hands are nearest to the server, and ours work within its spans
    return [TracingInterceptor(tracing.tracer), _OfRequests()]


class _OfRequests(client.Interceptor, worker.Interceptor):
    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor]:
        return _Inbound


class _Inbound(worker.WorkflowInboundInterceptor):
    def __init__(self, next: worker.WorkflowInboundInterceptor) -> None:
        super().__init__(next)
        self._accepted: dict[str, trace.Span] = {}

    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound, self._accepted))

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:
        caller = _caller(input.headers)
        if caller is None:
            return await super().handle_update_handler(input)
        for asked in input.args:
            if run_id := getattr(asked, "run_id", ""):
                self._accepted[run_id] = caller
        with _within(caller):
            return await super().handle_update_handler(input)


class _Outbound(worker.WorkflowOutboundInterceptor):
    def __init__(
        self, next: worker.WorkflowOutboundInterceptor, accepted: dict[str, trace.Span]
    ) -> None:
        super().__init__(next)
        self._accepted = accepted

    async def start_child_workflow(
        self, input: worker.StartChildWorkflowInput
    ) -> workflow.ChildWorkflowHandle[Any, Any]:
        caller = self._accepted.pop(input.id.rpartition(":")[2], None)  # as `ids.run_workflow`
        if caller is None:
            return await super().start_child_workflow(input)
        with _within(caller):
            return await super().start_child_workflow(input)


def _caller(headers: Mapping[str, Payload]) -> trace.Span | None:
    payload = headers.get(_HEADER)
    if payload is None:
        return None
    [carrier] = PayloadConverter.default.from_payloads([payload])
    span = trace.get_current_span(W3C.extract(carrier, context.Context()))
    return span if span.get_span_context().is_valid else None


@contextmanager
def _within(span: trace.Span) -> Iterator[None]:
    inner = trace.set_span_in_context(span)
    token = context.attach(inner)
    try:
        yield
    finally:
        # a workflow that is put away is ended from elsewhere, where there is nothing to detach
        if context.get_current() is inner:
            context.detach(token)
