"""The example of minutes in the air passes its own thresholds, with its file."""

from __future__ import annotations

from pathlib import Path

import yaml

from perennial.blobs import BlobStore
from perennial.contracts.spec import ModelSpec
from tests.unit.ml.stages import Stages

PAGE = Path(__file__).parents[3] / "examples" / "trip_time" / "model.yaml"


async def test_minutes_in_the_air(blobs: BlobStore) -> None:
    spec = ModelSpec.model_validate(yaml.safe_load(PAGE.read_text()))
    source = spec.source.model_copy(update={"options": {"months": [1]}})
    run = Stages(blobs, spec.project, spec.task, spec.training, source)
    snapshot = await run.snapshot()
    trained = run.trained(snapshot)
    assert len(trained.epochs) == spec.training.epochs
    found = (await run.evaluated(snapshot, trained, spec.metrics)).metrics
    for threshold in spec.metrics.thresholds:
        value = found[threshold.metric]
        assert threshold.min is None or value >= threshold.min, found
        assert threshold.max is None or value <= threshold.max, found
    exported = await run.exported(snapshot, trained)
    assert exported.parity.passed, exported.parity
    # strict enough for production, where a tolerance may be 0.001
    assert exported.parity.tolerance < 0.001
