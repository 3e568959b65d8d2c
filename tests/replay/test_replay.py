"""Today's code goes on where yesterday's left off: every recorded path replays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.workflow import NondeterminismError

from tests.replay.commands import commands_file, difference, replayed
from tests.replay.paths import HISTORIES, PATHS
from workers.control import WORKFLOWS

FILES = sorted(HISTORIES.glob("*.json"))


def history_of(file: Path) -> WorkflowHistory:
    document = json.loads(file.read_text())
    return WorkflowHistory.from_json(document["id"], document["history"])


def test_every_path_has_been_recorded() -> None:
    assert {file.name.split(".")[0] for file in FILES} == set(PATHS.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    today = await replayed(history_of(file), WORKFLOWS)
    recorded = commands_file(file).read_text().splitlines()
    if changed := difference(file.stem, recorded, today.commands):
        pytest.fail(changed, pytrace=False)
    if today.failure:
        raise today.failure


async def test_a_change_is_explained_with_its_place_and_what_to_do() -> None:
    file = next(file for file in FILES if '"name":"train_model"' in file.read_text())
    document = json.loads(file.read_text().replace('"train_model"', '"train_something_else"'))
    today = await replayed(
        WorkflowHistory.from_json(document["id"], document["history"]), WORKFLOWS
    )
    assert isinstance(today.failure, NondeterminismError)
    recorded = [
        line.replace("train_model", "train_something_else")
        for line in commands_file(file).read_text().splitlines()
    ]
    place = recorded.index("activity train_something_else") + 1
    told = difference(file.stem, recorded, today.commands)
    assert f"  {place:>4}  recorded  activity train_something_else\n" in told
    assert "        today     activity train_model\n" in told
    assert f"  {place - 1:>4}  both      local activity mark_stage\n" in told
    assert "workflow.patched" in told and "make histories" in told
