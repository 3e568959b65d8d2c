"""One form for every result: `results/NAME.json`, and a Markdown table rendered from them all."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One measured case.

    Attributes:
        case: what was measured.
        value: the figure, in `unit`; the median where several were taken.
        unit: `s`, `MB`, `1/s` and the like.
        peer: what was measured beside it in the same run, if anything.
        ratio: value divided by the peer's value.
        target: the bound on the value, or on the ratio where there is a peer.
        met: whether it is within the target, or as it has to be where that is no figure; None
            where there is neither.
        at_least: whether higher is better, and the target is the lower bound.
    """

    case: str
    value: float
    unit: str
    peer: str | None = None
    ratio: float | None = None
    target: float | None = None
    met: bool | None = None
    at_least: bool = False


def row(
    case: str,
    value: float,
    unit: str,
    *,
    target: float | None = None,
    peer: str | None = None,
    peer_value: float | None = None,
    at_least: bool = False,
) -> Row:
    """A row whose verdict follows from its figures."""
    ratio = value / peer_value if peer_value else None
    judged = value if ratio is None or target is None else ratio
    met = None if target is None else judged >= target if at_least else judged <= target
    return Row(
        case,
        round(value, 4),
        unit,
        peer,
        None if ratio is None else round(ratio, 3),
        target,
        met,
        at_least,
    )


def machine() -> str:
    """Cores, memory and system: enough to judge a figure by, nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def write(name: str, rows: list[Row]) -> Path:
    """Keep a result, and render the table of all results anew."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    document = {
        "name": name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
    (FOLDER / "README.md").write_text(render())
    return path


def render() -> str:
    """Markdown of every result in the folder."""
    parts = ["# Results", "", "Rendered from the JSON beside it by `make bench`.", ""]
    for path in sorted(FOLDER.glob("*.json")):
        document = json.loads(path.read_text())
        parts += [
            f"## {document['name']}",
            "",
            f"{document['date']}, {document['machine']}",
            "",
            "| case | value | peer | ratio | target | met |",
            "|---|---|---|---|---|---|",
            *(_line(Row(**entry)) for entry in document["rows"]),
            "",
        ]
    return "\n".join(parts)


def _line(row: Row) -> str:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    target = "" if row.target is None else f"{'≥' if row.at_least else '≤'} {row.target:g}"
    met = {True: "yes", False: "**no**", None: ""}[row.met]
    return (
        f"| {row.case} | {row.value:g} {row.unit} | {row.peer or ''} | {ratio} | {target} | {met} |"
    )
