"""Evidence: all that is known of a version, as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.command import Session, command
from perennial.cli.models import PANEL, Model

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from perennial.documents import Json

_SHUFFLED = 5


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(app, "evidence", panel=PANEL)(evidence)


def evidence(
    session: Session, model: Model, version: Annotated[int, typer.Argument(help="Its number.")]
) -> None:
    """Show all that is known of a version: how sure, for whom, and under what strain."""
    found = session.client.evidence(model, version)
    session.show(found, lambda out: _draw(out, found))


def _draw(out: Console, found: Json) -> None:
    from perennial.cli.render import facts
    from perennial.cli.versions import evidence_facts

    known = found["evidence"]
    examined = known.get("examined") or {}
    out.print(
        facts(
            (
                ("version", f"{found['model']} {found['version']}"),
                *evidence_facts(known),
                ("file", _file(known)),
                ("8 bits", _small(known.get("int8"))),
                ("answers in", _speed(known.get("speed"))),
                ("advisories", _advisories(known.get("dependencies"))),
                ("evidence", found["evidence_digest"]),
            )
        )
    )
    parts = [_metrics(known, examined)]
    parts += [_beside(examined)] if examined.get("paired") else []
    parts += [_calibration(examined["calibration"])] if examined.get("calibration") else []
    for column, groups in (examined.get("groups") or {}).items():
        parts += _groups(column, groups, _sure(examined))
    if examined.get("robustness"):
        parts.append(_strains(examined["robustness"], (found["details"] or {}).get("shuffled", {})))
    for part in parts:
        out.print()
        out.print(part)


def _file(known: Json) -> str | None:
    size = known.get("megabytes")
    flips = known["parity"].get("flips")
    told = "" if flips is None else f", {flips} of {known['parity']['rows']} rows in another class"
    if known.get("opset"):
        told += f", ONNX opset {known['opset']}"
    return None if size is None else f"{size:.3f} MB{told}"


def _small(int8: Json | None) -> str | None:
    return None if int8 is None else f"{'kept' if int8['kept'] else 'not kept'}: {int8['reason']}"


def _speed(speed: Json | None) -> str | None:
    if speed is None:
        return None
    return (
        f"{speed['p50_ms_1']:.3f} ms a row (p99 {speed['p99_ms_1']:.3f}), {speed['p50_ms_64']:.3f} "
        f"ms for 64 (p99 {speed['p99_ms_64']:.3f}), {speed['rows_per_second']:,.0f} rows/s on "
        f"{speed['threads']} thread(s)"
    )


def _advisories(checked: Json | None) -> str | None:
    if checked is None:
        return None
    if checked["advisories"] is None:
        return f"not checked: {checked['why']}"
    named = [f"{e['package']} {e['version']}" for e in checked["vulnerable"]]
    return f"{checked['advisories']} on {checked['packages']} packages" + (
        f": {', '.join(named)}" if named else ""
    )


def _metrics(known: Json, examined: Json) -> RenderableType:
    from perennial.cli.render import number, table

    intervals = examined.get("intervals") or {}
    return table(
        ("metric", "value#", _sure(examined)),
        ((name, number(v), _between(intervals.get(name))) for name, v in known["metrics"].items()),
    )


def _sure(examined: Json) -> str:
    return f"{examined.get('confidence', 0.95):.0%} interval"


def _between(interval: Json | None) -> str:
    return "-" if interval is None else f"{interval['low']:.4f} to {interval['high']:.4f}"


def _beside(examined: Json) -> RenderableType:
    from perennial.cli.render import table

    return table(
        ("beside champion", "better by#", "probably#", "interval"),
        (
            (
                f"v{version}",
                f"{paired['difference']:+.4f}",
                f"{paired['probability_better']:.0%}",
                f"{paired['low']:+.4f} to {paired['high']:+.4f}",
            )
            for version, paired in sorted(examined["paired"].items(), key=lambda item: int(item[0]))
        ),
    )


def _calibration(calibration: Json) -> RenderableType:
    from perennial.cli.render import table

    return table(
        ("said", "rows#", "said on average#", "was so#"),
        (
            (
                f"{each['low']:.0%} to {each['high']:.0%}",
                f"{each['rows']:,}",
                f"{each['expected']:.1%}",
                f"{each['observed']:.1%}",
            )
            for each in calibration["bins"]
        ),
    )


def _groups(column: str, groups: Json, sure: str) -> list[RenderableType]:
    """The groups, with an interval of the metric that counts, and how far apart they are."""
    from perennial.cli.render import facts, number, table

    names = list(dict.fromkeys(name for each in groups["groups"] for name in each["metrics"]))
    first, others = names[:1], names[1:]
    listed = table(
        (column, "rows#", *(f"{n}#" for n in first), sure, *(f"{n}#" for n in others), "judged"),
        (
            (
                each["value"] or "(empty)",
                f"{each['rows']:,}",
                *(number(each["metrics"].get(name, "-")) for name in first),
                _between((each.get("intervals") or {}).get("".join(first))),
                *(number(each["metrics"].get(name, "-")) for name in others),
                "yes" if each["judged"] else "too small",
            )
            for each in groups["groups"]
        ),
    )
    between = groups.get("intervals") or {}
    apart = [
        (
            name.replace("_", " "),
            number(v) + (f" ({_between(between[name])})" if name in between else ""),
        )
        for name, v in groups["fairness"].items()
    ]
    said = [("note", groups["note"])] if groups["note"] else []
    return [listed, facts([*apart, *said])] if apart or said else [listed]


def _strains(robustness: Json, shuffled: dict[str, float]) -> RenderableType:
    from perennial.cli.render import number, table

    rows = [
        (name.replace("_", " "), "all", number(each["value"]), f"{each['drop']:+.4f}")
        for name, each in robustness["strains"].items()
        if name != "shuffle"
    ]
    costly = sorted(shuffled.items(), key=lambda item: (-item[1], item[0]))[:_SHUFFLED]
    rows += [("shuffle", column, "", f"{drop:+.4f}") for column, drop in costly]
    if not shuffled and (worst := robustness["strains"].get("shuffle")):
        rows.append(("shuffle", worst["column"], number(worst["value"]), f"{worst['drop']:+.4f}"))
    return table(("disturbed by", "column~", "metric#", "worse by#"), rows)
