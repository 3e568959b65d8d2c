"""A rollout in words and rows: who answers what, and how each thing that is watched is judged.

The figures are those of now. A verdict's sentence is shown where it says something: what passes
needs no words, and the sentence of what fails has the numbers that decided it.
"""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from perennial.cli import stages
from perennial.cli.render import when
from perennial.documents import Rollout, RolloutProgress, Run, VariantShare

_SIGNS = {
    "pass": ("✓", "green"),
    "fail": ("✗", "red"),
    "error": ("✗", "red"),
    "inconclusive": ("…", "yellow"),
    "no_data": ("?", "yellow"),
}
_BAR = 20
"""Characters of all requests."""


def board(found: Rollout, run: Run | None = None) -> RenderableType:
    """What is served and how it does; with its run also how it is judged."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    for name in ("variant", "version", "share", "", "answered", "errors", "slow"):
        table.add_column(name, justify="left" if name in ("variant", "") else "right", no_wrap=True)
    for each in found["variants"]:
        table.add_row(
            each["name"],
            str(each["version"]),
            _share(each),
            Text("█" * round(each["percent"] * _BAR / 100), "cyan"),
            f"{each['requests']:,}",
            f"{each['errors']:,}",
            f"{each['slow']:,}",
        )
    lines: list[RenderableType] = [
        _title(found),
        table,
        *_differ(found),
        *_labels(found),
        *_log(found),
    ]
    if (now := found["under_way"]) is not None:
        lines += _judged(found, now, run)
    elif run is not None and run["status"] != "finished":
        lines.append(Text(doing(run), "dim"))
    return Group(*lines)


def line(found: Rollout, run: Run) -> str:
    """How it stands in one line, for logs and pipes; without figures, which always change."""
    if (now := found["under_way"]) is None:
        return doing(run)
    signs = "  ".join(text.plain for text in _signs(_told(found, now, run)))
    asks = "; it waits for a person" if now["waiting"] else ""
    return f"{_step(found, now, run)}{asks}" + (f": {signs}" if signs else "")


def doing(run: Run) -> str:
    """What a run is at while it has no rollout under way."""
    going = [stage for stage in run["stages"] if stage["status"] == "running"]
    at = f"at {stages.name(going[-1])}" if going else run["status"]
    return f"{run['run_id']} is {at}"


def alone(found: Rollout) -> str:
    """Who answers, once no rollout is under way."""
    whole = [each for each in found["variants"] if each["percent"] == 100]
    if not whole:
        return ""
    return f"version {whole[0]['version']} answers all requests of {found['environment']}"


def _title(found: Rollout) -> Text:
    all_, behind = found["processes"], len(found["behind"])
    return Text.assemble(
        (found["model"], "bold"),
        f"  {found['environment']}, epoch {found['epoch']}, ",
        (f"{all_ - behind} of {all_} processes serve it", "yellow" if behind else ""),
    )


def _judged(found: Rollout, now: RolloutProgress, run: Run | None) -> list[RenderableType]:
    told = _told(found, now, run)
    now = _caught_up(now, told)
    lines: list[RenderableType] = [Text(_step(found, now, run))]
    if signs := _signs(told):
        lines.append(Text("  ").join(signs))
    # what has ended a rollout is the reason with which its run ends
    over = run is not None and run["status"] == "finished"
    lines += [
        Text(each["reason"], _SIGNS[each["verdict"]][1])
        for each in (told.get("assessments") or {}).values()
        if each["verdict"] in ("fail", "error") and not over
    ]
    if now["held"]:
        lines.append(Text(f"{now['held']}: no larger share until `perennial resume`", "yellow"))
    if now["waiting"]:
        lines.append(Text(now["reason"], "yellow"))
        until = f" until {when(now['expires_at'])}" if now["expires_at"] else ""
        lines.append(Text(f"it waits for a person{until}", "bold yellow"))
        for what, command in (("to let it go on:", "go-on"), ("to send it back:", "call-off")):
            lines.append(Text.assemble(f"  {what:<17} ", (_command(found, command), "bold")))
    return lines


def _share(each: VariantShare) -> str:
    """Of the requests, or of copies of the champion's."""
    if each["shadow_percent"]:
        return f"copies {each['shadow_percent']:g} %"
    return f"{each['percent']:g} %"


def _differ(found: Rollout) -> list[Text]:
    """How often the champion's answer was another one, where there are copies."""
    return [
        Text(f"{each['disagreed']:,} of {each['compared']:,} rows of copies got another answer")
        for each in found["variants"]
        if each["compared"]
    ]


def _labels(found: Rollout) -> list[Text]:
    """How many requests have a label by now, and how many of those were answered wrongly."""
    told = [
        f"{each['name']} {each['wrong']:,} of {each['labelled']:,} wrong "
        f"({each['labelled'] / max(each['requests'], each['labelled']):.0%} have labels)"
        for each in found["variants"]
        if each["labelled"]
    ]
    return [Text("by labels: " + ", ".join(told))] if told else []


def _log(found: Rollout) -> list[Text]:
    """How much is in the log of requests, where there is one."""
    logged, lost = (sum(each[key] for each in found["variants"]) for key in ("logged", "lost"))
    if not logged and not lost:
        return []
    said = f"{logged:,} rows are in the log of requests, {lost:,} were lost"
    return [Text(said, "yellow" if lost else "dim")]


def _command(found: Rollout, command: str) -> str:
    where = found["environment"]
    at = "" if where == "production" else f" -e {where}"
    return f"perennial --as approver rollout {command} {found['model']}{at}"


def _step(found: Rollout, now: RolloutProgress, run: Run | None) -> str:
    told = _told(found, now, run)
    if now != (ahead := _caught_up(now, told)):
        now, copied = ahead, 100 * told["shadow"]
    else:
        copied = max((each["shadow_percent"] for each in found["variants"]), default=0.0)
    if not now["step"]:
        return f"version {now['version']} is about to begin"
    of = f" of {told['steps']}" if told.get("steps") else ""
    hold = ""
    if now["waiting"] or (run is not None and run["status"] == "finished"):
        pass  # its hold is over
    elif until := told.get("holds_until"):
        hold = f", held until {when(until)} at least"
    elif told:
        hold = ", not served by every process yet"
    share = f"copies of {copied:g} %" if copied else f"{now['percent']:g} %"
    return f"version {now['version']}, step {now['step']}{of}: {share}{hold}"


def _told(found: Rollout, now: RolloutProgress, run: Run | None) -> dict[str, Any]:
    """What the watch has told of this step, or of a later one that was over between two looks.

    Nothing before the first look at a step.
    """
    for stage in run["stages"] if run is not None else ():
        if (stage["stage"], stage["environment"]) == ("rollout", found["environment"]):
            progress = stage["progress"] or {}
            return progress if progress.get("step", -1) >= now["step"] else {}
    return {}


def _caught_up(now: RolloutProgress, told: dict[str, Any]) -> RolloutProgress:
    """The rollout at the step that was told of: a short one ends before it is looked at."""
    if told.get("step", 0) <= now["step"]:
        return now
    percent = 100.0 * told["weights"].get("challenger", 0.0)
    return {**now, "step": told["step"], "percent": percent}


def _signs(told: dict[str, Any]) -> list[Text]:
    """A word for each thing that is watched."""
    signs = []
    for name, each in (told.get("assessments") or {}).items():
        sign, style = _SIGNS.get(each["verdict"], ("?", "yellow"))
        word = "" if each["verdict"] == "pass" else f" {each['verdict']}"
        signs.append(Text(f"{sign} {name}{word}", style))
    return signs
