"""Feature views in a spec, and what is said where Feast is not; else `make check-feast`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from temporalio.testing import ActivityEnvironment

from activities.data import DataActivities
from activities.modelling.data.snapshots import Frames
from perennial.authoring import Source, feature_views, read_batches
from perennial.blobs import BlobStore
from perennial.contracts.data import TakeSnapshot
from perennial.contracts.errors import SourceInvalid, Unavailable
from perennial.contracts.feature_views import FeatureViews
from perennial.feast import environment

from .conftest import Write

FEAST = Path(environment.__file__).parent
PLAN = {"repo": "features", "service": "returns", "time": "ordered"}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nobody has made Feast's environment."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(environment.PYTHON, raising=False)


def source(**changed: Any) -> Source:
    plan = {name: value for name, value in {**PLAN, **changed}.items() if value is not None}
    return Source.model_validate({"uri": "orders.csv", "feature_views": plan})


def test_a_service_or_features() -> None:
    assert source().feature_views == FeatureViews.model_validate(PLAN)
    named = source(service=None, features=["buyer:orders", "shop:orders"], full_names=True)
    assert named.feature_views is not None and named.feature_views.service is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"service": None}, "needs either service or features"),
        ({"features": ["buyer:orders"]}, "needs either service or features"),
        ({"service": None, "features": ["orders"]}, "should match pattern"),
        (
            {"service": None, "features": ["buyer:orders", "shop:orders"]},
            "'buyer:orders' and 'shop:orders' would be one column; set full_names",
        ),
        (
            {"service": None, "features": ["a:b", "a:b"], "full_names": True},
            "'a:b' and 'a:b' would be one column",
        ),
        ({"time": None}, "Field required"),
        ({"times": "ordered"}, "Extra inputs are not permitted"),
    ],
)
def test_a_plan_that_says_too_little_or_too_much(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        source(**changed)


@pytest.mark.usefixtures("elsewhere")
async def test_a_machine_without_feast(
    write_project: Write, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_project("class Own(Base):\n    load = ModelProject.load")
    activities = DataActivities(blobs, Frames(blobs))
    asked = TakeSnapshot(run_id="r", model="m", project=name, source=source())
    said = r"source 'orders\.csv' has feature_views, and Feast's.*run `make feast` where the wor"
    with pytest.raises(SourceInvalid, match=said):
        await ActivityEnvironment().run(activities.take_snapshot, asked)
    with pytest.raises(SourceInvalid, match=said):  # though there is no orders.csv either
        next(read_batches(source()))
    monkeypatch.setenv(environment.PYTHON, "/nowhere/python")
    with pytest.raises(SourceInvalid, match=f"{environment.PYTHON} names /nowhere/python, where"):
        next(read_batches(source()))


@pytest.mark.usefixtures("elsewhere")
def test_a_python_that_has_no_feast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.PYTHON, sys.executable)
    with pytest.raises(SourceInvalid, match=r"has no Feast: .*run `make feast`"):
        feature_views.describe(source())
    dies = tmp_path / "python"
    dies.write_text("#!/bin/sh\necho 'lost postgresql://ada:lovelace@db/x' >&2; exit 7\n")
    dies.chmod(0o755)
    monkeypatch.setenv(environment.PYTHON, str(dies))
    with pytest.raises(Unavailable, match=r"without an answer: status 7: lost .*ada:\*\*\*@db/x"):
        feature_views.describe(source())


def test_nothing_of_ours_is_wanted_in_feasts_environment() -> None:
    for name in ("historical.py", "online.py"):
        imported = re.findall(r"^\s*(?:from|import) (\w+)", (FEAST / name).read_text(), re.M)
        ours = {"perennial", "activities", "workflows", "workers", "api", "infra", "serving"}
        assert imported and not ours & set(imported)
