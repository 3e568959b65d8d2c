"""What a report is drawn from: a model's windows with all that is known around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from perennial.documents import DecisionDetail, Json, Reign, Run, WindowDetail
from perennial.trigger_documents import Trigger

Point = tuple[datetime, float | None, str]
"""When (the middle of a window), what, and in words."""

_SHOWN = 5
"""Columns that have a line of their own."""


@dataclass(frozen=True)
class Watched:
    """A model in one environment, and its windows.

    Attributes:
        spec: that counts now.
        windows: oldest first.
        reigns: champions there were, newest first.
        triggers: wishes to train it again, newest first.
        decisions: the policy's answers to windows, by id.
        versions: that answered in the windows, by number.
        runs: that followed triggers, by id.
        url: of the interface.
        now: when the page is made.
    """

    model: str
    environment: str
    spec: Json
    windows: Sequence[WindowDetail]
    reigns: Sequence[Reign]
    now: datetime
    triggers: Sequence[Trigger] = ()
    decisions: dict[str, DecisionDetail] = field(default_factory=dict)
    versions: dict[int, Json] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    url: str = ""

    @property
    def primary(self) -> str:
        """The metric that counts."""
        return str(self.spec["metrics"]["primary"])

    @property
    def limits(self) -> Json:
        """Of drift, by measure; empty where nothing is watched any more."""
        return dict((self.spec.get("monitoring") or {}).get("drift") or {})

    def before(self, window: WindowDetail) -> WindowDetail | None:
        """The window that was judged before another one."""
        place = list(self.windows).index(window)
        return self.windows[place - 1] if place else None


def instant(text: str) -> datetime:
    """An instant of the interface."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def middle(window: WindowDetail) -> datetime:
    """Where a window's points are drawn."""
    start, end = instant(window["start"]), instant(window["end"])
    return start + (end - start) / 2


def columns(window: WindowDetail, side: str = "columns") -> list[Json]:
    """What was measured of each column; of the answers with `predictions`."""
    return list((window["drift"] or {}).get(side, ()))


def beyond(column: Json, measure: str = "psi") -> float | None:
    """A measure beyond chance; None where it could not be taken."""
    value = column.get(measure)
    if value is None:
        return None
    chance = {"psi": "chance", "unknown": "unknown_chance"}.get(measure, "")
    return max(float(value) - float(column.get(chance) or 0.0), 0.0)


def shift(column: Json, measure: str) -> float | None:
    """A share of a column's values, from 0 to 1; of `missing`, how much it has changed."""
    if measure == "missing":
        return abs(float(column["window"]["missing"]) - float(column["reference"]["missing"]))
    return beyond(column, measure)


def moved_most(watched: Watched) -> list[str]:
    """Columns by how far they ever moved, those that have a line of their own."""
    most: dict[str, float] = {}
    for window in watched.windows:
        for column in columns(window):
            psi = beyond(column) or 0.0
            most[column["column"]] = max(most.get(column["column"], 0.0), psi)
    ranked = sorted(most.items(), key=lambda item: (-item[1], item[0]))
    return [name for name, psi in ranked[:_SHOWN] if psi > 0]


def psi_of(watched: Watched, name: str) -> list[Point]:
    """How far a column moved, window by window."""
    found = []
    for window in watched.windows:
        psi = next((beyond(c) for c in columns(window) if c["column"] == name), None)
        found.append((middle(window), psi, f"{name}: PSI beyond chance {_figure(psi)}"))
    return found


def psi_of_answers(watched: Watched) -> list[Point]:
    """How far the answers moved: of several columns, the one that moved most."""
    return [
        (middle(window), *_largest(columns(window, "predictions"), "psi", "PSI beyond chance {}"))
        for window in watched.windows
    ]


def largest_share(watched: Watched, measure: str) -> list[Point]:
    """Of all columns, the largest share of missing, unknown or out-of-range values."""
    words = {
        "missing": "{} more or fewer are missing",
        "unknown": "{} are unknown to the reference",
        "out_of_range": "{} are out of the reference's range",
    }
    return [
        (middle(window), *_largest(columns(window), measure, words[measure]))
        for window in watched.windows
    ]


def _largest(found: list[Json], measure: str, words: str) -> tuple[float | None, str]:
    values = [(value, c["column"]) for c in found if (value := shift(c, measure)) is not None]
    if not values:
        return None, ""
    value, name = max(values, key=lambda item: (item[0], item[1]))
    said = f"{value:.3f}" if measure == "psi" else f"{value:.1%}"
    return value, f"{name}: {words.format(said)}"


def quality_of(watched: Watched, which: str) -> list[Point]:
    """The primary metric: `metrics`, `promised` or `estimated`."""
    found: list[Point] = []
    for window in watched.windows:
        if which == "estimated":
            told: Json = window["judged"].get("estimated") or {}
            value = (told.get("metrics") or {}).get(watched.primary)
            words = f"estimated without labels: {_figure(value)}"
        else:
            value = window[which].get(watched.primary)  # type: ignore[literal-required]
            words = f"promised: {_figure(value)}"
            if which == "metrics":
                words = f"measured: {_figure(value)} on {window['labelled']:,} rows with labels"
        found.append((middle(window), value, words))
    return found


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
