"""The guide's own workflow is run as the guide writes it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from temporalio.client import Client

from api.db.store import Store
from perennial.settings import Settings
from tests.workflows.house import House
from workers.control import control_worker

GUIDE = Path("docs/guides/own-workflow.md")


@pytest.fixture
def nightly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The first block of the guide, as a module of its own."""
    block = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[0]
    (tmp_path / "nightly.py").write_text(block)
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = importlib.util.spec_from_file_location("nightly", tmp_path / "nightly.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "nightly", module)
    spec.loader.exec_module(module)
    return module


async def test_the_guides_workflow_lives_a_run(
    house: House, temporal: Client, store: Store, opa_url: str, nightly: ModuleType
) -> None:
    queue = f"nightly-{house.model}"
    settings = Settings(
        database_url=store.database.url.render_as_string(hide_password=False), OPA_URL=opa_url
    )
    async with (
        control_worker(
            temporal, settings, queue=queue, workflows=[nightly.NightlyCandidate]
        ) as worker,
        worker,
    ):
        await house.apply(lifecycle={"workflow": "NightlyCandidate", "task_queue": queue})
        assert (await house.run(0.8)).outcome == "promoted"
        weak = await house.run(0.4)
        assert (weak.outcome, weak.reason) == ("denied", "no better than a coin; not registered")
