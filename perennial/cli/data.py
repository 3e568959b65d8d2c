"""Data: the rows that runs used, and what lies between two snapshots of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.command import Session, command
from perennial.cli.grouped import Grouped
from perennial.cli.models import Model
from perennial.cli.runs import Limit

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from perennial.data_documents import ColumnChange, Snapshot, SnapshotDetail, SnapshotDiff

Digest = Annotated[
    str, typer.Argument(metavar="SNAPSHOT", help="Its digest, or six characters of it or more.")
]


def register(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(
        help="The rows that models learnt from: list, show, diff.",
        cls=Grouped,
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "list")(list_)
    command(group, "show")(show)
    command(group, "diff")(diff)
    app.add_typer(group, name="data", rich_help_panel="Models")


def list_(session: Session, model: Model, limit: Limit = 20) -> None:
    """List the snapshots of a model's rows, the newest first."""
    found = session.client.snapshots(model, limit=limit)
    session.show(
        {"items": found},
        lambda out: out.print(
            _listed(found) if found else f"no snapshot of {model} yet: `perennial run {model}`"
        ),
    )


def show(session: Session, snapshot: Digest) -> None:
    """Show a snapshot: its columns, where it came from, and what learnt from it."""
    found = session.client.snapshot(snapshot)
    session.show(found, lambda out: _shown(out, found))


def diff(session: Session, before: Digest, after: Digest) -> None:
    """Say what changed from one snapshot to another: columns, counts, and what moved."""
    found = session.client.snapshot_diff(before, after)
    session.show(found, lambda out: _differing(out, found))


def _listed(found: list[Snapshot]) -> Table:
    from perennial.cli.render import table, when

    return table(
        ("snapshot", "taken", "rows#", "columns#", "from", "to", "parent"),
        (
            (
                each["digest"][:12],
                when(each["taken_at"]),
                f"{each['rows']:,}",
                str(each["columns"]),
                (each["time_from"] or "-")[:10],
                (each["time_to"] or "-")[:10],
                (each["parent"] or "-")[:12],
            )
            for each in found
        ),
    )


def _shown(out: Console, found: SnapshotDetail) -> None:
    from perennial.cli.render import facts, table, when

    mark = found["watermark"]
    versions = ", ".join(map(str, found["versions"]))
    out.print(
        facts(
            (
                ("snapshot", found["digest"]),
                ("model", found["model"]),
                ("rows", f"{found['rows']:,} by {found['columns']} columns"),
                ("source", found["source_uri"]),
                ("taken", when(found["taken_at"])),
                ("goes on from", found["parent"]),
                ("watermark", f"{mark['column']} {mark['value']}" if mark else None),
                ("made by", found["transformation"]),
                ("versions", versions or "none"),
            )
        )
    )
    out.print()
    if views := found["feature_views"]:
        rows = ((v["name"], ", ".join(v["features"]), v["digest"][:12]) for v in views)
        out.print(table(("feature view", "features", "definition"), rows))
        out.print()
    out.print(table(("column", "type"), found["schema"].items()))


def _differing(out: Console, found: SnapshotDiff) -> None:
    from perennial.cli.render import facts, word

    before, after = found["before"], found["after"]
    retyped = (f"{name}: {' to '.join(kinds)}" for name, kinds in found["retyped"].items())
    out.print(
        facts(
            (
                ("before", f"{before['digest'][:12]}, {before['rows']:,} rows"),
                ("after", f"{after['digest'][:12]}, {after['rows']:,} rows ({found['rows']:+,})"),
                ("new columns", ", ".join(found["added"]) or None),
                ("columns gone", ", ".join(found["removed"]) or None),
                ("other types", ", ".join(retyped) or None),
                ("moved", word(found["verdict"])),
                ("", found["reason"]),
            )
        )
    )
    if found["columns"]:
        out.print()
        out.print(_moved(found["columns"]))


def _moved(columns: list[ColumnChange]) -> Table:
    from perennial.cli.render import table, word

    return table(
        ("column", "verdict", "PSI#", "KS#", "missing#", "what"),
        (
            (
                each["column"],
                word(each["verdict"]),
                _figure(each["psi"]),
                _figure(each["ks"]),
                f"{each['missing'][1] - each['missing'][0]:+.1%}",
                _what(each),
            )
            for each in columns
        ),
    )


def _what(change: ColumnChange) -> str:
    told = [change["problem"]] if change["problem"] else []
    if change["new"]:
        told.append(f"new: {', '.join(change['new'][:3])}")
    if change["vanished"]:
        told.append(f"gone: {', '.join(change['vanished'][:3])}")
    if change["out_of_range"]:
        told.append(f"{change['out_of_range']:.1%} out of range")
    return "; ".join(told) or "-"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
