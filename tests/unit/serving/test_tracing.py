"""A prediction is a span in its caller's trace, and says who answered."""

from __future__ import annotations

import pytest

from serving.desk import Desk
from tests.otlp import otlp_receiver
from tests.unit.serving.running import PREDICT, ROW, Put, deployment, served

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def test_a_prediction_is_in_its_callers_trace(
    desk: Desk, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.take(deployment(put))
    with otlp_receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        async with served(desk) as client:
            body, called = {"instances": [ROW]}, {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            answer = await client.post(PREDICT, json=body, headers=called)
            own = await client.post("/v2/models/nobody/infer", content=b"{}")
            await client.get("/v2/health/live")
        # what is left was sent when the app ended
        asked, refused = sorted(received.spans, key=lambda span: span.name)
    assert (asked.service, asked.name) == ("perennial-serving", "POST /v1/models/{model}:predict")
    assert (asked.trace, asked.parent) == (TRACE, PARENT)
    assert answer.headers["traceparent"] == f"00-{TRACE}-{asked.id}-01"
    assert asked.attributes["perennial.model"] == "flights"
    assert asked.attributes["perennial.version"] == "1"
    assert asked.attributes["perennial.variant"] == "champion"
    assert asked.attributes["http.response.status_code"] == 200
    assert refused.name == "POST /v2/models/{model}/infer"
    assert refused.attributes["http.response.status_code"] == 404
    assert refused.trace != TRACE and refused.parent == ""
    assert own.headers["traceparent"].startswith(f"00-{refused.trace}-")
