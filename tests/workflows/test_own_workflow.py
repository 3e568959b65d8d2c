"""The guide's own workflow is run as the guide writes it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from api.db.store import Store
from perennial.settings import Settings
from tests.workflows.house import House
from workers.control import control_worker
from workflows.steps.run import Run

GUIDE = Path("docs/guides/own-workflow.md")


@pytest.fixture
def module(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """The block of the guide that defines a workflow, as a module of its own."""
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if f'name="{request.param}"' in block)
    name = request.param.lower()
    (tmp_path / f"{name}.py").write_text(block)
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def here(store: Store, opa_url: str) -> Settings:
    """As a worker of these tests has them."""
    url = store.database.url.render_as_string(hide_password=False)
    return Settings(database_url=url, OPA_URL=opa_url)


@pytest.mark.parametrize("module", ["NightlyCandidate"], indirect=True)
async def test_the_guides_workflow_lives_a_run(
    house: House, temporal: Client, here: Settings, module: ModuleType
) -> None:
    queue = f"nightly-{house.model}"
    async with (
        control_worker(temporal, here, queue=queue, workflows=[module.NightlyCandidate]) as worker,
        worker,
    ):
        await house.apply(lifecycle={"workflow": "NightlyCandidate", "task_queue": queue})
        assert (await house.run(0.8)).outcome == "promoted"
        weak = await house.run(0.4)
        assert (weak.outcome, weak.reason) == ("denied", "no better than a coin; not registered")


@pytest.mark.parametrize("module", ["NightlyCandidate"], indirect=True)
async def test_a_module_that_is_loaded_once_is_the_one_of_the_process(
    house: House, temporal: Client, here: Settings, module: ModuleType
) -> None:
    queue = f"nightly-{house.model}"
    begun: list[str] = []
    snapshot_data = module.snapshot_data

    async def counted(run: Run) -> object:
        begun.append(run.id)
        return await snapshot_data(run)

    vars(module)["snapshot_data"] = counted
    async with (
        control_worker(
            temporal,
            here,
            queue=queue,
            workflows=[module.NightlyCandidate],
            loaded_once=[module.__name__],
        ) as worker,
        worker,
    ):
        await house.apply(lifecycle={"workflow": "NightlyCandidate", "task_queue": queue})
        denied = await house.run(0.4)
    assert (denied.outcome, begun) == ("denied", [denied.run_id])


@pytest.mark.parametrize("module", ["Announced"], indirect=True)
async def test_the_guides_effects_are_made_or_undone(
    house: House, temporal: Client, here: Settings, module: ModuleType
) -> None:
    queue = f"announced-{house.model}"
    announced: list[str] = []

    @activity.defn
    async def announce(where: str) -> None:
        announced.append(where)
        if "testing" in where:
            raise ApplicationError("nobody listens in testing", non_retryable=True)

    @activity.defn
    async def withdraw(where: str) -> None:
        announced.remove(where)

    async with (
        control_worker(
            temporal,
            here,
            queue=queue,
            workflows=[module.Announced],
            activities=[announce, withdraw],
        ) as worker,
        worker,
    ):
        await house.apply(
            environments=["development", "testing"],
            lifecycle={"workflow": "Announced", "task_queue": queue},
        )
        with pytest.raises(WorkflowFailureError):
            await house.run(0.8)
    assert announced == [f"{house.model}/1 in development"]
    assert house.champions() == {"development": 1, "testing": None}
