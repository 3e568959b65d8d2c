"""One trace from a call of the API through workflows to activities, by OTLP over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from api.app import create_app
from api.context import Context
from perennial import tracing
from perennial.contracts import queues
from perennial.settings import Settings
from perennial.temporal import connect, ensure_search_attributes
from tests.integration.api.desk import Desk
from tests.otlp import Received, Span, otlp_receiver
from tests.served import served
from tests.workflows.conftest import TRACED
from tests.workflows.ml_double import PlannedML
from workers.control import control_worker
from workers.interceptors import ErrorTranslation
from workers.registration import methods

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    with otlp_receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        yield received


@pytest.fixture
async def traced(
    tmp_path: Path,
    opa_url: str,
    temporal: Client,
    received: Received,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Desk]:
    """The API and the workers, tracing, in a namespace of their own."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.service_client.config.target_host)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", TRACED)
    settings = Settings.model_validate({"state_dir": tmp_path, "PERENNIAL_OPA_URL": opa_url})
    ours = tracing.start("perennial-control")
    client = await connect(interceptors=tracing.interceptors(ours))
    await ensure_search_attributes(client)
    planned = PlannedML()
    context = Context.open(settings)
    entries = json.loads(settings.tokens.read_text())["tokens"]
    work = Worker(
        client,
        task_queue=queues.ML,
        activities=methods(planned),
        interceptors=[ErrorTranslation()],
    )
    async with control_worker(client, settings) as control, control, work:
        with served(create_app(context)) as url:
            desk = Desk(url, {entry["role"]: entry["token"] for entry in entries}, planned)
            yield desk
            await desk.close()
    assert ours
    ours.close()


def ancestors(span: Span, spans: list[Span]) -> list[str]:
    """Names of the spans above one, nearest first."""
    by_id = {each.id: each for each in spans}
    found = []
    while span.parent in by_id:
        span = by_id[span.parent]
        found.append(span.name)
    return found


async def test_one_trace_leads_from_a_call_to_the_activities(
    traced: Desk, received: Received
) -> None:
    await traced.apply()  # begins the model's workflow, in a trace of its own
    run = await traced.run(headers=CALLED)
    assert run["outcome"] == "promoted", run["reason"]
    called = "POST /v1/models/{model}/runs"
    spans = received.wait_for(called, "RunActivity:move_champion", "CompleteWorkflow:Lifecycle")
    for name in (called, "RunWorkflow:Lifecycle", "RunActivity:train_model"):
        assert spans[name].trace == TRACE, name
    assert spans[called].parent == PARENT
    assert spans[called].service == "perennial-api"
    trained = spans["RunActivity:train_model"]
    assert trained.service == "perennial-control"
    assert ancestors(trained, received.spans) == [
        "StartActivity:train_model",
        "StartChildWorkflow:Lifecycle",
        "StartUpdateWithStartWorkflow:Model",
        called,
    ]
    assert trained.attributes["temporalWorkflowID"] == f"run:{traced.model}:{run['run_id']}"
    assert spans["POST /v1/models"].trace != TRACE
