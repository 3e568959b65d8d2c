"""Decisions of the policy: list them, look at one, ask them all again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perennial.cli import exits
from perennial.cli.command import Session, command, with_session
from perennial.cli.grouped import Grouped
from perennial.cli.problems import Stop
from perennial.cli.runs import Limit

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from perennial.documents import Decision, DecisionDetail, Flip, Replay

Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="Of this model only.")]
Kind = Annotated[
    str | None,
    typer.Option("--kind", metavar="KIND", help="promotion, rollout or monitoring."),
]
_POLICY_FILES = (".rego", ".json", ".yaml", ".yml")


def register(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(
        help="Decisions of the policy: list, show, or ask again.",
        cls=Grouped,
        rich_markup_mode=None,
    )
    group.callback(invoke_without_command=True)(with_session(decisions))
    command(group, "list")(decisions)
    command(group, "show")(show)
    command(group, "replay")(replay)
    app.add_typer(group, name="decisions", rich_help_panel="Records")


def decisions(
    session: Session,
    model: Model = None,
    environment: Annotated[
        str | None,
        typer.Option("--environment", "-e", metavar="ENV", help="In this environment only."),
    ] = None,
    kind: Kind = None,
    outcome: Annotated[
        str | None,
        typer.Option("--outcome", metavar="OUTCOME", help="allow, deny, needs_approval or error."),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Of this run only.")
    ] = None,
    limit: Limit = 20,
) -> None:
    """List decisions, the newest first."""
    found = session.client.decisions(
        model=model,
        environment=environment,
        kind=kind,
        outcome=outcome,
        run_id=run,
        limit=limit,
    )
    session.show(
        {"items": found},
        lambda out: _list(out, found) if found else out.print("no such decisions"),
    )


def show(
    session: Session, decision: Annotated[str, typer.Argument(metavar="ID", help="Its id.")]
) -> None:
    """Show a decision with its reasons; with --json also exactly what was asked and answered."""
    found = session.client.decision(decision)
    session.show(found, lambda out: _draw(out, found))


def replay(
    session: Session,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", metavar="DIR", help="Ask this policy in place of the stored ones."
        ),
    ] = None,
    model: Model = None,
    kind: Kind = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="How many at most.")
    ] = None,
) -> int:
    """Ask stored questions again, and list the decisions that would flip.

    Each is asked under the policy that made it, which must agree, or under the one in --policy:
    what would have been done about windows of the past (--kind monitoring)?
    Ends with code 10 when a decision flips.
    """
    files = read_policy(policy) if policy else None
    answer = session.client.replay(model=model, kind=kind, policy=files, limit=limit)
    session.show(answer, lambda out: _draw_replay(out, answer))
    return exits.DIFFERS if answer["flipped"] else exits.OK


def read_policy(folder: Path) -> dict[str, str]:
    """The policy files of a folder by their path inside it; tests of the policy stay out.

    Raises:
        Stop: there is no such folder, or no Rego in it.
    """
    files = {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.suffix in _POLICY_FILES
        and path.is_file()
        and not path.name.endswith("_test.rego")
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    if not any(name.endswith(".rego") for name in files):
        raise Stop(
            f"{folder} has no Rego file",
            advice="give a folder of policies, such as policies/",
            code=exits.USAGE,
        )
    return files


def _list(out: Console, found: list[Decision]) -> None:
    """A line for each decision, and its reasons below it: they are sentences."""
    from rich.text import Text

    from perennial.cli.render import when, word

    for decision in found:
        said = word(decision["action"] or decision["outcome"])
        what = Text.assemble(f"{when(decision['decided_at'])}  ", said)
        _entry(out, decision, what, decision["reasons"])


def _entry(out: Console, about: Decision | Flip, what: Text, reasons: list[str]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from perennial.cli.render import plain

    which = f"  {about['model']} {about['version']} {about['wish']}  "
    out.print(Text.assemble((about["decision_id"], "bold"), which, what), soft_wrap=True)
    for reason in reasons:
        out.print(Padding(plain(reason), (0, 0, 0, 4)))


def _draw(out: Console, decision: DecisionDetail) -> None:
    from rich.text import Text

    from perennial.cli.render import facts, when, word

    reasons: list[tuple[str, Any]] = [("because", reason) for reason in decision["reasons"]]
    reasons += [("warning", each) for each in decision["warnings"]]
    reasons += [("dry run", each) for each in decision["dry_run"]]
    missing = decision["approvals_missing"]
    out.print(
        facts(
            [
                ("decision", Text(decision["decision_id"], style="bold")),
                ("outcome", word(decision["outcome"])),
                ("action", word(decision["action"]) if decision["action"] else None),
                *reasons,
                (
                    "approvals",
                    f"{decision['approvals_required']} required, {missing} missing"
                    if decision["approvals_required"]
                    else None,
                ),
                ("asked for", f"{decision['model']} version {decision['version']}"),
                ("wanted", decision["wish"]),
                ("step", _step(decision["question"])),
                ("window", _window(decision["question"])),
                ("ruled by", (decision["question"].get("ruling") or {}).get("by")),
                ("by run", decision["run_id"]),
                ("policy", decision["policy_digest"] or "none was reached"),
                ("at", when(decision["decided_at"])),
            ]
        )
    )


def _step(asked: dict[str, Any]) -> str | None:
    """Of a rollout, where it is one."""
    if asked.get("kind") != "rollout" or asked.get("phase") == "guard":
        return None
    return f"{asked.get('step')} of {asked.get('steps')}, {asked.get('strategy')}"


def _window(asked: dict[str, Any]) -> str | None:
    """Of a monitor, where it is one."""
    from perennial.cli.render import when

    if asked.get("kind") != "monitoring":
        return None
    dry = ", a dry run" if asked.get("dry_run") else ""
    return f"{when(asked.get('window_start'))} to {when(asked.get('window_end'))}{dry}"


def _draw_replay(out: Console, answer: Replay) -> None:
    skipped = f", {answer['skipped']} could not be asked" if answer["skipped"] else ""
    out.print(f"{answer['asked']} asked, {answer['agreed']} agree{skipped}")
    others = [flip for flip in answer["flipped"] if flip["kind"] == "monitoring"]
    draw_flips(out, [flip for flip in answer["flipped"] if flip["kind"] != "monitoring"])
    if others:
        from perennial.cli.windows_again import draw

        draw(out, others, answer["windows"])


def draw_flips(out: Console, flips: list[Flip]) -> None:
    """A line for each decision that would be another one, and the reasons of now below it."""
    from rich.text import Text

    from perennial.cli.render import word

    for flip in flips:
        what = Text.assemble(word(flip["stored"]["outcome"]), " → ", word(flip["now"]["outcome"]))
        _entry(out, flip, what, flip["now"]["reasons"])
