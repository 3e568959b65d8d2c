"""Today's code goes on where yesterday's left off: every recorded path replays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from perennial.plugin import PerennialPlugin
from tests.replay.paths import HISTORIES, PATHS
from workers.control import WORKFLOWS

FILES = sorted(HISTORIES.glob("*.json"))


def history_of(file: Path) -> WorkflowHistory:
    document = json.loads(file.read_text())
    return WorkflowHistory.from_json(document["id"], document["history"])


def replayer() -> Replayer:
    return Replayer(workflows=WORKFLOWS, plugins=[PerennialPlugin()])


def test_every_path_has_been_recorded() -> None:
    assert {file.name.split(".")[0] for file in FILES} == set(PATHS.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    await replayer().replay_workflow(history_of(file))


async def test_a_history_of_other_code_is_noticed() -> None:
    file = next(file for file in FILES if '"name":"train_model"' in file.read_text())
    document = json.loads(file.read_text())
    for event in document["history"]["events"]:
        attributes = event.get("activityTaskScheduledEventAttributes")
        if attributes and attributes["activityType"]["name"] == "train_model":
            attributes["activityType"]["name"] = "train_something_else"
    with pytest.raises(Exception, match=r"(?i)nondeterminis|TMPRL1100"):
        await replayer().replay_workflow(
            WorkflowHistory.from_json(document["id"], document["history"])
        )
