"""The guide's example: old histories, and code that changes under them."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Worker
from temporalio.workflow import NondeterminismError

from tests.replay.commands import difference, replayed

GUIDE = Path("docs/guides/changing-workflows.md")
BLOCKS = re.findall(r"```(?:python)?\n(.*?)```", GUIDE.read_text(), re.DOTALL)
EXPLANATION = next(block for block in BLOCKS if "today's code" in block)
DEPLOYED = next(block for block in BLOCKS if "@workflow.defn" in block)
CHANGED, PATCHED, DEPRECATED = (block for block in BLOCKS if block.startswith("    async def run"))


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A workflow class by its source; each in a module of its own."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(name: str, run: str = "") -> type:
        source = DEPLOYED
        if run:
            source = source[: source.index("    async def run")] + run
        (tmp_path / f"{name}.py").write_text(source)
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module.Refresh

    return load


def _activity(name: str):
    @activity.defn(name=name)
    async def done(model: str) -> None: ...

    return done


async def _lived(client: Client, workflow: type, name: str) -> WorkflowHistory:
    activities = [_activity(name) for name in ("count_rows", "check_rows", "tell_owner")]
    async with Worker(client, task_queue="changing", workflows=[workflow], activities=activities):
        handle = await client.start_workflow(
            "Refresh", "flights", id=f"refresh-{name}", task_queue="changing"
        )
        await handle.result()
        return await handle.fetch_history()


async def test_a_change_without_a_patch_is_stopped_and_explained(temporal: Client, code) -> None:
    old = await _lived(temporal, code("deployed"), "unpatched")
    recorded = await replayed(old, [code("deployed")])
    assert recorded.failure is None
    today = await replayed(old, [code("changed", CHANGED)])
    assert isinstance(today.failure, NondeterminismError)
    assert EXPLANATION.strip() in difference("refresh", recorded.commands, today.commands)


async def test_with_a_patch_old_histories_go_on_and_new_ones_outlive_it(
    temporal: Client, code
) -> None:
    deployed, patched = code("deployed"), code("patched", PATCHED)
    deprecated = code("deprecated", DEPRECATED)
    old = await _lived(temporal, deployed, "before")
    new = await _lived(temporal, patched, "after")
    today = await replayed(old, [patched])
    assert today.failure is None
    assert "activity check_rows" not in today.commands
    assert (await replayed(new, [deprecated])).failure is None
    assert "activity check_rows" in (await replayed(new, [patched])).commands
    assert (await replayed(old, [deprecated])).failure is not None, "it came too early"
    last = await _lived(temporal, deprecated, "last")
    assert (await replayed(last, [code("changed", CHANGED)])).failure is None
