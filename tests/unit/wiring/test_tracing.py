"""Where traces are wanted, they go out by OTLP; where not, nothing of it is loaded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from activities.ray_tasks.job import Job
from activities.ray_tasks.training_job import TrainingJob
from perennial import tracing
from perennial.contracts.spec import Training
from perennial.contracts.training import TrainModel
from serving.tracing import route, traced
from tests import samples
from tests.otlp import Received, otlp_receiver

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLED = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    with otlp_receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        yield received


class Nothing(TrainingJob):
    """Trains nothing."""

    def _train(self) -> None:
        self.inside = tracing.traceparent()


def job(**more: str) -> str:
    asked = TrainModel(
        run_id="r",
        model="m",
        project="p:P",
        task="binary",
        snapshot=samples.snapshot(),
        training=Training(),
        author="ada",
    )
    made = Job(input=asked, blob_url="file:///nowhere", unattended_seconds=3600, **more)
    return made.model_dump_json()


def test_a_training_goes_on_with_the_trace_that_asked_for_it(received: Received) -> None:
    trained = Nothing(job(traceparent=CALLED))
    [span] = received.wait_for("Train").values()
    assert (span.service, span.trace, span.parent) == ("perennial-training", TRACE, PARENT)
    assert span.attributes == {"perennial.model": "m", "perennial.run_id": "r"}
    assert trained.inside == f"00-{TRACE}-{span.id}-01"


def test_a_receiver_that_is_away_ends_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with tracing.continued("perennial-training", "Train", CALLED, {}):
        inside = tracing.traceparent()
    assert inside.startswith(f"00-{TRACE}-")


def test_without_the_setting_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    app = object()
    assert traced(app) is app  # type: ignore[arg-type,comparison-overlap]
    assert tracing.start("any") is None
    assert tracing.traceparent() == ""
    with tracing.continued("any", "any", CALLED, {}):
        assert tracing.traceparent() == ""


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/models/flights:predict", "/v1/models/{model}:predict"),
        ("/v2/models/flights", "/v2/models/{model}"),
        ("/v2/models/flights/ready", "/v2/models/{model}/ready"),
        ("/v2/models/flights/infer", "/v2/models/{model}/infer"),
        ("/v2/models/m/versions/7/infer", "/v2/models/{model}/versions/{version}/infer"),
        ("/v2", "/v2"),
        ("/v2/models", "other"),
        ("/v1/models/a/b", "other"),
        ("/../etc/passwd", "other"),
        ("", "other"),
    ],
)
def test_a_path_has_few_names(path: str, template: str) -> None:
    assert route({"path": path}) == template
