"""The guide's source is read as it is printed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from temporalio.testing import ActivityEnvironment

from activities.data import DataActivities
from activities.modelling.data.snapshots import Frames
from perennial.blobs import BlobStore
from perennial.contracts.data import TakeSnapshot
from perennial.contracts.data_plan import DataPlan
from perennial.contracts.spec import Source

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "bring-your-data.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)


async def test_the_guides_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blobs: BlobStore
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    subprocess.run(["bash", "-ec", blocks("sh")[0]], check=True)
    (tmp_path / "returns.py").write_text(blocks("python")[0])
    source = Source.model_validate(yaml.safe_load(blocks("yaml")[0]))
    snapshot = await ActivityEnvironment().run(
        DataActivities(blobs, Frames(blobs)).take_snapshot,
        TakeSnapshot(run_id="r", model="sales", project="returns:Returns", source=source),
    )
    assert Frames(blobs).read(snapshot)["year"].tolist() == [2024, 2024, 2025]
    assert snapshot.watermark is not None and snapshot.watermark.column == "changed"


def test_the_guides_sources() -> None:
    _, joined = (Source.model_validate(yaml.safe_load(text)) for text in blocks("yaml"))
    assert joined.feature_views is not None and joined.feature_views.service == "returns"


def test_the_guides_plans() -> None:
    for text in re.findall(r"`data: (\{.*?\})`", GUIDE.read_text()):
        DataPlan.model_validate(yaml.safe_load(text))
