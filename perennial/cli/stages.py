"""A run in words and rows: its stages with time, its epochs with loss, what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from perennial.cli.render import between, number, plain, took, when, word
from perennial.documents import Approval, Run, Stage
from perennial.sse import Event

SIGNS = {"running": ("…", "cyan"), "passed": ("✓", "green"), "failed": ("✗", "red")}
_BARS = "▁▂▃▄▅▆▇█"
_EPOCHS_SHOWN = 6
_GOOD = ("promoted", "reproduced")


def name(stage: Stage) -> str:
    """The stage, with its environment where it has one."""
    return f"{stage['stage']} {stage['environment']}" if stage["environment"] else stage["stage"]


def spent(stage: Stage, now: datetime | None = None) -> str:
    """How long a stage has taken, up to now if it is not over."""
    seconds = between(stage["started_at"], stage["finished_at"], now)
    return "" if seconds is None else took(seconds)


def curve(values: list[float]) -> str:
    """Losses as a row of bars, the newest last."""
    values = [value for value in values if isinstance(value, int | float)][-24:]
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in values)


def epoch_line(progress: dict[str, Any], of: int | None) -> str:
    """One epoch: its number and how many there will be, its loss and metrics, its time."""
    parts = [f"epoch {progress['epoch']}" + (f"/{of}" if of else "")]
    if "loss" in progress:
        parts.append(f"loss {number(progress['loss'])}")
    parts += [f"{key} {number(value)}" for key, value in (progress.get("metrics") or {}).items()]
    if isinstance(seconds := progress.get("seconds"), int | float):
        parts.append(took(seconds))
    return "  ".join(parts)


@dataclass
class Epochs:
    """The epochs of a run as they come, each once, however often it is heard of."""

    seen: dict[int, dict[str, Any]] = field(default_factory=dict)
    total: int | None = None
    _told: int = 0

    def take(self, run: Run, events: tuple[Event, ...]) -> list[str]:
        """A line for each epoch of an update that is newer than those of the updates before.

        A training tells its newest epoch every now and then, in events, which have an order; when
        it has ended its stage has all epochs. One that turns up late is kept, for the curve, and
        not told out of its turn.
        """
        told: list[Any] = [e.data.get("progress") for e in events if e.name == "progress"]
        for stage in run["stages"]:
            told += (stage.get("detail") or {}).get("epochs") or []
        # The document may be ahead of the events, so what it says of a training is not told yet.
        known = [*told, *(stage.get("progress") for stage in run["stages"])]
        for progress in known:
            if isinstance(progress, dict):
                self.total = progress.get("epochs") or self.total
                if isinstance(epoch := progress.get("epoch"), int):
                    self.seen.setdefault(epoch, progress)
        numbers = {p["epoch"] for p in told if isinstance(p, dict) and "epoch" in p}
        fresh = sorted(number for number in numbers if number > self._told)
        self._told = max([self._told, *fresh])
        return [self.line(epoch) for epoch in fresh]

    def line(self, epoch: int) -> str:
        """One epoch of those that were heard of."""
        return epoch_line(self.seen[epoch], self.total)

    @property
    def losses(self) -> list[Any]:
        """The losses in order of their epochs."""
        return [self.seen[epoch].get("loss") for epoch in sorted(self.seen)]


def board(run: Run, epochs: Epochs) -> RenderableType:
    """A run as it stands: for the live view, and for `perennial status`."""
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(width=1)
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold", ratio=1)
    rows.add_column(justify="right", no_wrap=True)
    for stage in run["stages"]:
        sign, style = SIGNS.get(stage["status"], ("·", ""))
        training = stage["stage"] == "train"
        # Why a stage failed is said below, where the run's end is told.
        text = Text("" if stage["status"] == "failed" else stage["summary"] or doing(stage))
        if training and (bars := curve(epochs.losses)):
            text.append(("  " if text else "") + bars, style="cyan")
        rows.add_row(Text(sign, style), name(stage), text, Text(spent(stage), "dim"))
        if training and stage["status"] == "running":
            for epoch in sorted(epochs.seen)[-_EPOCHS_SHOWN:]:
                rows.add_row("", "", Text(epochs.line(epoch), "dim"), "")
    parts: list[RenderableType] = [title(run), rows]
    parts += [Text(line, "yellow") for line in retrying(run)]
    return Group(*parts)


def doing(stage: Stage) -> str:
    """What a stage that goes on says of itself: that it waits for a free CPU, or has resumed."""
    progress = stage["progress"] or {}
    if stage["status"] != "running":
        return ""
    phase = "" if "epoch" in progress else progress.get("phase")  # epochs are seen to go on
    return str(progress.get("note") or phase or "")


def title(run: Run) -> Text:
    """One line: which run, of what, and how it stands."""
    line = Text.assemble((run["run_id"], "bold"), "  ", word(run["outcome"] or run["status"]))
    seconds = between(run["started_at"], run["finished_at"])
    if run["hotfix"]:
        line.append("  hotfix", "bold yellow")
    if run["version"] is not None:
        line.append(f"  version {run['version']}")
    if seconds is not None:
        line.append(f"  {took(seconds)}", "dim")
    return line


def retrying(run: Run) -> list[str]:
    """A line for each piece of work that failed and will be tried again."""
    return [
        f"{work['activity']} is tried again (attempt {work['attempt']}): "
        f"{shortened(work['message'])}"
        for work in run.get("retrying") or []
    ]


def shortened(message: str, width: int = 160) -> str:
    """The beginning of a message on one line."""
    line = " ".join(message.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def ended(run: Run) -> Text:
    """One line: how the run ended, and why."""
    sign, style = ("✓", "green") if run["outcome"] in _GOOD else ("✗", "red")
    line = Text.assemble((f"{sign} {run['outcome']}", f"bold {style}"), ": ")
    reason, reasons = run["reason"], list[str]()
    if run["outcome"] == "denied":
        # The policy may have many reasons; each gets a line of its own.
        where, _, why = reason.partition(": ")
        # a rollout's is one sentence with its figures
        if not why.startswith("rolled back") and len(whys := why.split("; ")) > 1:
            reason, reasons = where, whys
    line.append_text(plain(reason))
    if seconds := between(run["started_at"], run["finished_at"]):
        line.append(f"  ({took(seconds)})", "dim")
    for each in reasons:
        line.append(f"\n    {each}")
    return line


def open_question(run: Run) -> Approval | None:
    """The approval that a run waits for, if it waits for one."""
    approval = run["approval"]
    return approval if approval and approval["status"] == "open" else None


def question(approval: Approval) -> Iterator[Text]:
    """What people are asked, and the commands that answer it."""
    yes = sum(1 for vote in approval["votes"] if vote["approve"])
    line = Text.assemble(
        ("… waits for approval", "bold yellow"),
        f": version {approval['version']} of {approval['model']} in {approval['environment']}, "
        f"{yes} of {approval['required']} given, open until {when(approval['expires_at'])}",
    )
    yield line
    yield Text.assemble("  to look and approve:  ", (approve_command(approval), "bold"))
    yield Text.assemble("  to reject:            ", (reject_command(approval), "bold"))
    yield Text(f"  (by somebody else than {approval['author']}, its author)", "dim")


def approve_command(approval: Approval) -> str:
    """The exact command with which an approver says yes."""
    return f"perennial --as approver approve {approval['run_id']}"


def reject_command(approval: Approval) -> str:
    """The exact command with which an approver says no."""
    return f"perennial --as approver reject {approval['run_id']}"
