"""Write the histories of one model and its runs, as the server tells them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHistory

from perennial.contracts.lifecycle import MODEL_WORKFLOW
from tests.replay.commands import commands_file, replayed
from tests.replay.paths import ALSO, HISTORIES
from workers.control import WORKFLOWS

_OF_ONE_MACHINE = {
    "identity",
    "workerVersion",
    "sdkName",
    "sdkVersion",
    "stickyAttributes",
    "stackTrace",
}


async def record(client: Client, model: str, path: str) -> None:
    """One file for the model's workflow and one for each run that went a way of its own."""
    HISTORIES.mkdir(exist_ok=True)
    for old in HISTORIES.glob(f"{path}.*"):
        old.unlink()
    known = {_way(json.loads(file.read_text())["history"]) for file in HISTORIES.glob("*.json")}
    those = f"ModelName = '{model}'"
    if path in ALSO:
        newest = await anext(client.list_workflows(f"WorkflowType = '{ALSO[path]}'", limit=1))
        those += f" OR WorkflowId = '{newest.id}'"
    async for found in client.list_workflows(those):
        handle = client.get_workflow_handle(found.id, run_id=found.run_id)
        history = _scrubbed((await handle.fetch_history()).to_json_dict())
        way = _way(history)
        if way in known and found.workflow_type != MODEL_WORKFLOW:
            continue
        known.add(way)
        name = f"{path}.{found.workflow_type.lower()}"
        taken = len(list(HISTORIES.glob(f"{name}*.json")))
        text = json.dumps({"id": found.id, "history": history}, separators=(",", ":"))
        file = HISTORIES / f"{name}{f'-{taken + 1}' if taken else ''}.json"
        file.write_text(text + "\n")
        await keep_commands(file)


async def keep_commands(file: Path) -> None:
    """Beside a history what the code of today asks for when it lives through it."""
    document = json.loads(file.read_text())
    found = await replayed(
        WorkflowHistory.from_json(document["id"], document["history"]), WORKFLOWS
    )
    if found.failure:
        raise found.failure
    commands_file(file).write_text("\n".join(found.commands) + "\n")


def _way(history: Any) -> str:
    """What happened, without times and payloads: two runs of the same way prove the same."""
    return ",".join(
        event["eventType"] + json.dumps(sorted(_names(event))) for event in history["events"]
    )


def _names(event: Any) -> list[str]:
    found = []
    for attributes in event.values():
        if isinstance(attributes, dict) and isinstance(attributes.get("activityType"), dict):
            found.append(attributes["activityType"]["name"])
        if isinstance(attributes, dict) and attributes.get("signalName"):
            found.append(attributes["signalName"])
    return found


def _scrubbed(value: Any) -> Any:
    """Without what only says on which machine it was recorded."""
    if isinstance(value, dict):
        if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
            value = {**value, "name": "sticky"}  # else it names a process and its host
        return {k: _scrubbed(v) for k, v in value.items() if k not in _OF_ONE_MACHINE}
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    return value
