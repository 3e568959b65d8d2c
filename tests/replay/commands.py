"""What workflow code asks for, command by command, and what changed about that.

Each recorded history has its commands beside it, one a line: they are what a reviewer reads when
histories are recorded again. Both lists come from a replay, which gives the same commands each
time; in which order signals, votes and answers came in is part of the history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

from perennial.plugin import PerennialPlugin
from perennial.runner import sandboxed

_NEIGHBOURS = 3
_NAMES: dict[str, Callable[[Any], str]] = {
    "schedule_activity": lambda c: f"activity {c.activity_type}",
    "schedule_local_activity": lambda c: f"local activity {c.activity_type}",
    "start_timer": lambda c: "timer",
    "start_child_workflow_execution": lambda c: f"child {c.workflow_type}",
    "signal_external_workflow_execution": lambda c: f"signal {c.signal_name}",
    "set_patch_marker": lambda c: f"patch {c.patch_id}{' (deprecated)' * c.deprecated}",
}
_NO_COMMANDS = {"respond_to_query", "update_response"}
_WHAT_NEXT = """\
A workflow that began on the old code cannot go on on this one. Either
- keep both ways: `if workflow.patched("what-changed"): <new> else: <old>`; or
- let old runs end on the old build, where workers carry build ids and the workflow is pinned;
then record the new way (`make histories`). docs/guides/changing-workflows.md shows how."""


@dataclass
class Replayed:
    """What today's code asked for when it lived through a history, and what it failed with."""

    commands: list[str] = field(default_factory=list)
    failure: Exception | None = None


async def replayed(history: WorkflowHistory, workflows: Sequence[type]) -> Replayed:
    """Live through a history with today's code."""
    found = Replayed()
    runner = _Listening(sandboxed(None, pydantic_data_converter), found.commands)
    replayer = Replayer(workflows=workflows, plugins=[PerennialPlugin()], workflow_runner=runner)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    found.failure = result.replay_failure
    return found


def difference(name: str, recorded: Sequence[str], today: Sequence[str]) -> str:
    """The first command that differs, with its neighbours and what to do; empty if none does."""
    if list(recorded) == list(today):
        return ""
    longest = max(len(recorded), len(today))
    first = next(i for i in range(longest) if recorded[i : i + 1] != today[i : i + 1])
    lines = [f"{name}: today's code asks for something else than it did when it was recorded.", ""]
    for i in range(max(0, first - _NEIGHBOURS), first):
        lines.append(f"  {i + 1:>4}  both      {recorded[i]}")
    for i in range(first, min(longest, first + _NEIGHBOURS)):
        lines.append(f"  {i + 1:>4}  recorded  {_at(recorded, i)}")
        lines.append(f"        today     {_at(today, i)}")
    return "\n".join([*lines, "", _WHAT_NEXT])


def commands_file(history: Path) -> Path:
    """Where the commands of a recorded history are kept."""
    return history.with_suffix(".commands")


def _at(commands: Sequence[str], i: int) -> str:
    return commands[i] if i < len(commands) else "nothing more"


def _name(command: WorkflowCommand) -> str:
    kind = str(command.WhichOneof("variant"))
    return _NAMES.get(kind, lambda c: kind.replace("_", " "))(getattr(command, kind))


class _Listening(WorkflowRunner):
    """Notes the commands of the instances that another runner makes."""

    def __init__(self, inner: WorkflowRunner, heard: list[str]) -> None:
        self._inner = inner
        self._heard = heard

    def prepare_workflow(self, defn: Any) -> None:
        self._inner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        self._inner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = self._inner.create_instance(det)
        activate = instance.activate

        def listening(act: Any) -> Any:
            completion = activate(act)
            self._heard.extend(
                _name(command)
                for command in completion.successful.commands
                if command.WhichOneof("variant") not in _NO_COMMANDS
            )
            return completion

        instance.activate = listening  # type: ignore[method-assign]
        return instance
