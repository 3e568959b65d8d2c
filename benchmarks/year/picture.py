"""The year as a plot and as a table: with the loop, and without it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from benchmarks.year.outcome import Outcome, Week
from perennial.picture.charts import Axis, Line, Span, lanes, lines
from perennial.picture.style import CHARTS, STYLE

_SIGNS = {"alert": "A", "retrain": "R", "roll_back": "B", "stop_serving": "S"}


def write(year: Outcome, folder: Path) -> None:
    """Keep `replay-year.svg` and `replay-year.md`."""
    (folder / "replay-year.svg").write_text(_plot(year))
    (folder / "replay-year.md").write_text("\n".join(_page(year)) + "\n")


def _plot(year: Outcome) -> str:
    """Two drawings on one axis, as one file."""
    axis = Axis(year.weeks[0].start, year.weeks[-1].end)
    middles = [week.start + (week.end - week.start) / 2 for week in year.weeks]
    both = [
        Line(
            name,
            kind,
            [(at, week.roc_auc[side], name) for at, week in zip(middles, year.weeks, strict=True)],
        )
        for side, (name, kind) in enumerate((("with the loop", "l1"), ("without", "l2")))
    ]
    # what comes first is drawn below: both lie on one another until the first retrain
    quality = lines(axis, "ROC AUC by week", both[::-1], from_zero=False)
    below = lanes(axis, "What was judged and done by week", list(_lanes(year)))
    quality_height, below_height = (_height(each) for each in (quality, below))
    title = (
        '<text class="axis" x="92" y="18">ROC AUC by week, of all flights that arrived: the '
        "champion that is watched and trained again, and the first one alone</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 '
        f'{quality_height + below_height + 30:g}"><style>{STYLE}{CHARTS}'
        "svg { background: var(--ground); margin: 0; } svg svg { overflow: visible; }</style>"
        f'{title}<svg y="26" width="960" height="{quality_height:g}"{quality[4:]}'
        f'<svg y="{26 + quality_height:g}" width="960" height="{below_height:g}"{below[4:]}</svg>\n'
    )


def _height(svg: str) -> float:
    return float(svg.partition('viewBox="0 0 ')[2].partition('"')[0].split()[1])


def _lanes(year: Outcome) -> Iterator[tuple[str, list[Span]]]:
    yield "champion", list(_reigns(year))
    yield (
        "drift",
        [_span(w, f"verdict {w.window['verdict']}", w.window["reason"]) for w in year.weeks],
    )
    yield (
        "quality",
        [
            _span(w, f"verdict {verdict}", f"{w.window['metrics']}, of {w.window['promised']}")
            for w in year.weeks
            if (verdict := w.window["quality_verdict"]) is not None
        ],
    )
    yield (
        "done",
        [
            _span(w, f"action {action}", w.window["followed"], _SIGNS[action])
            for w in year.weeks
            if (action := w.window["action"]) is not None and action != "ignore"
        ],
    )


def _reigns(year: Outcome) -> Iterator[Span]:
    since, number = year.weeks[0], 0
    for week, after in zip(year.weeks, [*year.weeks[1:], None], strict=True):
        if after is not None and after.window["version"] == week.window["version"]:
            continue
        words = (f"version {week.window['version']}", f"v{week.window['version']}")
        yield Span(since.start, week.end, "odd" if number % 2 else "even", words[0], words)
        if after is not None:
            since, number = after, number + 1


def _span(week: Week, kind: str, title: str, word: str = "") -> Span:
    return Span(week.start, week.end, kind, f"{_day(week.start)}: {title}", (word,))


def _page(year: Outcome) -> Iterator[str]:
    sampled = "" if year.share == 1 else f" (a seeded sample of {year.share:.0%} of the flights)"
    yield "# A year of flights, with the loop and without"
    yield ""
    yield (
        f"`make replay-year`{sampled}. Version 1 learnt January to March and answers from "
        f"{_day(year.weeks[0].start)} on; labels come when flights have landed. Both are measured "
        f"on the same flights, all that arrived."
    )
    yield ""
    yield "![ROC AUC by week](replay-year.svg)"
    yield ""
    yield (
        "| week | version | flights | drift | roc_auc with | without | brier with | without | "
        "labelled | quality | done |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for week in year.weeks:
        window = week.window
        done = window["action"] or "-"
        told = done if done in ("-", "ignore") else f"{done}: {window['followed']}"
        cells = [
            _day(week.start),
            " ".join(map(str, week.versions)),
            f"{window['rows']:,}",
            window["verdict"],
            *(f"{value:.3f}" for value in (*week.roc_auc, *week.brier)),
            f"{window['coverage'] or 0:.0%}",
            window["quality_verdict"] or "-",
            told.replace("|", "/"),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "| asked | because of | limits say | run | outcome |"
    yield "|---|---|---|---|---|"
    for each in reversed(year.triggers):
        run = year.runs.get(each["run_id"] or "")
        rule = f" ({each['rule']})" if each["rule"] else ""
        said = f"{each['decision']}{rule}"
        ended = "-" if run is None else f"{run['outcome']}: {run['reason']}".replace("|", "/")
        cells = [each["at"][:10], each["cause"], said, each["run_id"] or "-", ended]
        yield f"| {' | '.join(cells)} |"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
