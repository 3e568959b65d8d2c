"""The lists of runs, models, champions and approvals, as tables."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from perennial.cli.render import between, facts, table, took, when, word
from perennial.documents import Approval, Champion, Json, Model, Platform, Reign, RunSummary


def runs_table(runs: list[RunSummary]) -> Table:
    """Runs, one a row."""
    return table(
        ("run", "state", "v#", "began", "took#", "why"),
        (
            (
                run["run_id"],
                word(run["outcome"] or run["status"]),
                _number(run["version"]),
                when(run["started_at"] or run["created_at"]),
                _took(run),
                run["reason"] or run["waiting_for"] or run["asked_because"],
            )
            for run in runs
        ),
    )


def models_table(models: list[Model]) -> Table:
    """Models, one a row, with where they have champions."""
    return table(
        ("model", "status", "risk", "under way", "champions"),
        (
            (
                model["name"],
                word(model["status"]),
                model["risk_tier"],
                str(len(model["runs_under_way"]) or "-"),
                "  ".join(
                    f"{champion['environment']} v{champion['version']}"
                    for champion in model["champions"]
                    if champion["version"] is not None
                ),
            )
            for model in models
        ),
    )


def champions_table(champions: list[Champion]) -> Table:
    """Champions, one environment a row."""
    return table(
        ("environment", "v#", "epoch#", "since", "cause", "by", "reason"),
        (
            (
                champion["environment"],
                _number(champion["version"]),
                str(champion["epoch"]),
                when(champion["since"]),
                champion["cause"],
                champion["actor"],
                champion["reason"],
            )
            for champion in champions
        ),
    )


def reigns_table(reigns: list[Reign], *, of_one: bool) -> Table:
    """Champions there were, one reign a row; `of_one` environment, which is not named again."""
    columns = ("environment", "v#", "epoch#", "from", "to", "cause", "by", "why")
    rows = (
        (
            reign["environment"],
            _number(reign["version"]),
            str(reign["epoch"]),
            when(reign["from"]),
            when(reign["to"]) if reign["to"] else Text("now", style="green"),
            reign["cause"],
            reign["actor"],
            _why(reign),
        )
        for reign in reigns
    )
    first = 1 if of_one else 0
    return table(columns[first:], (row[first:] for row in rows))


def approvals_table(approvals: list[Approval]) -> Table:
    """Questions to people, one a row."""
    return table(
        ("run", "environment", "v#", "status", "votes#", "open until", "asked by"),
        (
            (
                approval["run_id"],
                approval["environment"],
                str(approval["version"]),
                word(approval["status"]),
                f"{sum(vote['approve'] for vote in approval['votes'])}/{approval['required']}",
                when(approval["expires_at"]),
                approval["author"],
            )
            for approval in approvals
        ),
    )


def model_facts(model: Model) -> Table:
    """What a model is."""
    return facts(
        (
            ("model", Text(model["name"], style="bold")),
            ("status", word(model["status"])),
            ("about", model["description"] or None),
            ("project", model["project"]),
            ("task", f"{model['task']}, risk {model['risk_tier']}"),
            ("owners", ", ".join(model["owners"])),
            ("environments", " → ".join(model["environments"])),
            ("spec", f"version {model['spec_version']}, {when(model['updated_at'])}"),
            ("under way", ", ".join(model["runs_under_way"]) or None),
        )
    )


def overview(
    out: Console, ready: Json, platform: Platform, models: list[Model], runs: list[RunSummary]
) -> None:
    """Everything: the service, the models, the runs that are under way."""
    away = [entry for entry in ready["dependencies"] if not entry["ok"]]
    if away:
        for entry in away:
            out.print(Text(f"✗ {entry['name']:<9} {entry['detail']}", style="red"))
    else:
        names = ", ".join(entry["name"] for entry in ready["dependencies"])
        out.print(Text(f"✓ ready: {names}", style="green"))
    if platform["paused"]:
        said = f"‖ paused by {platform['actor']} {when(platform['since'])}"
        said += f": {platform['reason']}" if platform["reason"] else ""
        out.print(Text(f"{said}; `perennial --as admin resume --all` lifts it", "yellow"))
    out.print()
    if models:
        out.print(models_table(models))
    else:
        out.print("no models yet: `perennial apply -f examples/flights/model.yaml`")
    if runs:
        out.print()
        out.print(runs_table(runs))


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _took(run: RunSummary) -> str:
    seconds = between(run["started_at"], run["finished_at"])
    return "" if seconds is None else took(seconds)


def _why(reign: Reign) -> str:
    approved = ", ".join(reign["approved_by"])
    return (reign["reason"] + (f" (approved by {approved})" if approved else "")).strip()
