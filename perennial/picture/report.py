"""The report of a model that is watched: one page to look at, with nothing from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from urllib.parse import quote

from perennial.documents import WindowDetail
from perennial.picture.causes import Cause, Part, cause
from perennial.picture.charts import Axis, Limit, Line, Span, Stack, lanes, lines, stacks
from perennial.picture.markup import document, table
from perennial.picture.style import CHARTS, STYLE
from perennial.picture.watched import (
    Watched,
    instant,
    largest_share,
    middle,
    moved_most,
    psi_of,
    psi_of_answers,
    quality_of,
)

_EXPLAINED = 10
"""Windows whose causes are told, the newest."""
_DONE = 40
_SIGNS = {"alert": "A", "retrain": "R", "roll_back": "B", "stop_serving": "S"}
_GRAVE = {"roll_back": "fail", "stop_serving": "fail"}
_WORDS = {
    "ignore": "nothing to do",
    "alert": "alert",
    "retrain": "train again",
    "roll_back": "roll back",
    "stop_serving": "stop serving",
}


def report(watched: Watched) -> str:
    """The whole page."""
    title = f"{watched.model} in {watched.environment}"
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="quiet">{escape(_span(watched))}</p>']
    if watched.windows:
        parts += [_facts(watched), _charts(watched), _done(watched), _causes(watched)]
    else:
        parts.append(
            "<p>No window was judged yet. A model is watched where its spec has "
            "<code>monitoring</code> and it has a champion; a window is judged once it is over."
            "</p>"
        )
    parts += [_champions(watched), _triggers(watched)]
    command = f"perennial report {watched.model} -e {watched.environment}"
    foot = f"{escape(command)}, {watched.now:%Y-%m-%d %H:%M:%S} UTC"
    return document(title, STYLE + CHARTS, "".join(parts), foot)


def _span(watched: Watched) -> str:
    if not watched.windows:
        return str(watched.spec.get("description") or "")
    first, last = watched.windows[0], watched.windows[-1]
    return f"{len(watched.windows)} windows, {_at(first['start'])} to {_at(last['end'])} UTC"


def _facts(watched: Watched) -> str:
    newest = watched.windows[-1]
    measured = [w for w in watched.windows if watched.primary in w["metrics"]]
    actions = Counter(w["action"] for w in watched.windows if w["action"] not in (None, "ignore"))
    done = ", ".join(f"{count} x {_WORDS[action or '']}" for action, count in actions.items())
    now = next((r["version"] for r in watched.reigns if r["to"] is None), newest["version"])
    facts = [
        ("champion", "none" if now is None else f"version {now}"),
        ("drift, newest window", _verdict(newest["verdict"])),
        ("rows, newest window", f"{newest['rows']:,}"),
        ("done about windows", escape(done) or "nothing"),
    ]
    if measured:
        last = measured[-1]
        value, promised = last["metrics"][watched.primary], last["promised"].get(watched.primary)
        what = f"{watched.primary} by labels"
        if promised is not None:
            what += f", {promised:.3f} promised"
        told = f"{value:.3f} {_verdict(last['quality_verdict'] or 'no_data')}"
        facts.insert(2, (escape(what), told))
    cells = "".join(f"<div><span>{name}</span><b>{value}</b></div>" for name, value in facts)
    said = f"The newest window, of {_at(newest['start'])}: {newest['reason']}"
    return f'<div class="facts">{cells}</div><p>{escape(said)}</p>'


def _charts(watched: Watched) -> str:
    windows = watched.windows
    axis = Axis(instant(windows[0]["start"]), instant(windows[-1]["end"]))
    band = watched.limits.get("psi") or {}
    limits = [Limit(f"{name} {band[name]:g}", band[name]) for name in ("warn", "alert") if band]
    moved = [
        Line(name, f"l{number}", psi_of(watched, name))
        for number, name in enumerate(moved_most(watched), 1)
    ]
    moved.append(Line("answers", "l6", psi_of_answers(watched)))
    quality = [
        Line("measured", "l1", quality_of(watched, "metrics")),
        Line("promised", "l6", quality_of(watched, "promised")),
        Line("estimated", "l2", quality_of(watched, "estimated")),
    ]
    shares = [
        Line("missing, changed by", "l1", largest_share(watched, "missing")),
        Line("unknown", "l2", largest_share(watched, "unknown")),
        Line("out of range", "l3", largest_share(watched, "out_of_range")),
    ]
    coverage = [
        (middle(w), w["coverage"], f"{_at(w['start'])}: labels of {w['coverage'] or 0:.0%}")
        for w in windows
    ]
    return (
        "<section><h2>Windows</h2>"
        f"{_legend(watched)}{lanes(axis, 'Verdicts and actions by window', _lanes(watched))}"
        f"<h2>How well it answered</h2><p class='quiet'>{escape(watched.primary)} on rows whose "
        "labels have come, beside what was promised at promotion. Bars: the part of the rows that "
        "has labels, the whole height being all of them. An estimate follows from the model's own "
        "probabilities, and is no measurement.</p>"
        f"{lines(axis, 'Quality by window', quality, from_zero=False, bars=coverage)}"
        "<h2>What moved</h2><p class='quiet'>Population stability index beyond chance, of the "
        f"columns that moved most and of the answers, beside {escape(_beside(watched))}.</p>"
        f"{lines(axis, 'Drift by window', moved, limits)}"
        "<h2>Missing, unknown, out of range</h2><p class='quiet'>Of all columns, the largest share "
        "of values.</p>"
        f"{lines(axis, 'Shares by window', shares, percent=True)}"
        "<h2>Who answered</h2><p class='quiet'>Each version's part of the rows.</p>"
        f"{stacks(axis, 'Versions by window', list(_weights(watched)))}</section>"
    )


def _beside(watched: Watched) -> str:
    """What windows are compared with: of those that slide with them, no instants."""
    newest = watched.windows[-1]["judged"].get("beside") or "the rows that the champion learnt from"
    return str(newest).partition(" from ")[0]


def _legend(watched: Watched) -> str:
    used = {w["verdict"] for w in watched.windows} | {w["quality_verdict"] for w in watched.windows}
    marks = [
        f'<span><i class="swatch {verdict}"></i>{verdict}</span>'
        for verdict in ("pass", "inconclusive", "no_data", "fail", "error")
        if verdict in used
    ]
    marks += [
        f"<span><b>{_SIGNS[action]}</b> {_WORDS[action]}</span>"
        for action in _SIGNS
        if any(w["action"] == action for w in watched.windows)
    ]
    return f'<p class="legend">{"".join(marks)}</p>'


def _lanes(watched: Watched) -> list[tuple[str, list[Span]]]:
    """Champion, drift, answers, all columns together, quality, errors, and what was done."""
    found: dict[str, list[Span]] = {"champion": list(_reigning(watched))}
    for window in watched.windows:
        drift, multivariate = window["judged"]["drift"], window["judged"].get("multivariate")
        told = [
            ("drift", window["verdict"], window["reason"]),
            *(
                (name, each["verdict"], each["reason"])
                for name, each in (
                    ("answers", drift.get("predictions")),
                    ("together", multivariate),
                )
                if each
            ),
        ]
        if window["quality"] is not None:
            quality = window["quality"]
            told.append(("quality", quality["verdict"], quality["reason"]))
            if concept := quality.get("concept"):
                told.append(("errors", concept.get("verdict", "no_data"), concept["reason"]))
        for name, verdict, reason in told:
            title = f"{_at(window['start'])}, {verdict}: {reason}"
            found.setdefault(name, []).append(
                _cell(window, f"verdict {verdict}", title, (verdict,))
            )
        action = window["action"]
        if action is not None and action != "ignore":
            title = f"{_at(window['start'])}, {_WORDS[action]}: {window['followed']}"
            words = (_WORDS[action], _SIGNS[action])
            cell = _cell(window, f"action {action}", title, words)
            found.setdefault("done", []).append(cell)
    order = ("champion", "drift", "answers", "together", "quality", "errors", "done")
    return [(name, found[name]) for name in order if name in found]


def _cell(window: WindowDetail, kind: str, title: str, words: tuple[str, ...]) -> Span:
    return Span(instant(window["start"]), instant(window["end"]), kind, title, words)


def _reigning(watched: Watched) -> Iterator[Span]:
    """Windows with the same champion together."""
    since, number = watched.windows[0], 0
    pairs = zip(watched.windows, [*watched.windows[1:], None], strict=True)
    for window, after in pairs:
        if after is not None and after["version"] == window["version"]:
            continue
        words = (f"version {window['version']}", f"v{window['version']}")
        title = f"version {window['version']}: {_at(since['start'])} to {_at(window['end'])}"
        kind = "odd" if number % 2 else "even"
        yield Span(instant(since["start"]), instant(window["end"]), kind, title, words)
        if after is not None:
            since, number = after, number + 1


def _weights(watched: Watched) -> Iterator[Stack]:
    numbers = sorted({int(v) for w in watched.windows for v in w["judged"].get("traffic") or {}})
    for window in watched.windows:
        rows = window["judged"].get("traffic") or {}
        whole = sum(rows.values())
        if not whole:
            continue
        parts = [
            (f"v{v}", "odd" if numbers.index(v) % 2 else "even", 100 * rows[str(v)] / whole)
            for v in numbers
            if rows.get(str(v))
        ]
        yield Stack(instant(window["start"]), instant(window["end"]), parts)


def _done(watched: Watched) -> str:
    rows = [
        (
            _link(watched, window, _at(window["start"])),
            f'<b class="{_GRAVE.get(window["action"] or "", "inconclusive")}">'
            f"{_WORDS[window['action'] or '']}</b>",
            _decision(watched, window),
            escape(window["followed"]),
        )
        for window in reversed(watched.windows)
        if window["action"] not in (None, "ignore")
    ]
    more = f'<p class="quiet">and {len(rows) - _DONE} before</p>' if len(rows) > _DONE else ""
    found = table(("window", "policy", "decision", "what came of it"), rows[:_DONE])
    return f"<h2>What was done</h2>{found or '<p>Nothing had to be done.</p>'}{more}"


def _decision(watched: Watched, window: WindowDetail) -> str:
    if window["decision_id"] is None:
        return ""
    where = f"{watched.url}/v1/decisions/{quote(window['decision_id'])}"
    return f'<a href="{escape(where)}">{escape(window["decision_id"])}</a>'


def _causes(watched: Watched) -> str:
    alerting = [
        window for window in reversed(watched.windows) if window["action"] not in (None, "ignore")
    ]
    if not alerting:
        return ""
    shown = "".join(_cause(watched, w, cause(watched, w)) for w in alerting[:_EXPLAINED])
    more = len(alerting) - _EXPLAINED
    rest = f'<p class="quiet">and {more} windows before</p>' if more > 0 else ""
    return f"<h2>Why</h2>{shown}{rest}"


def _cause(watched: Watched, window: WindowDetail, found: Cause) -> str:
    quality = window["quality"]
    told = [f"drift {window['verdict']}: {window['reason']}"]
    if found.beside:
        told.append(f"beside {found.beside}")
    if found.moved:
        told.append(found.moved)
    if quality is not None:
        told.append(f"quality {quality['verdict']}: {quality['reason']}")
        if (concept := quality.get("concept")) and concept.get("verdict") in (
            "fail",
            "inconclusive",
        ):
            told.append(f"errors have grown: {concept['reason']}")
    lists = "".join(
        f"<div><h4>{name}</h4><ul>{items}</ul></div>"
        for name, items in (
            ("columns, by their part in the change of its answers", _parts(found.answers)),
            ("segments, by theirs in that change", _parts(found.answering)),
            ("columns, by how far they moved", _parts(found.columns)),
            ("segments, by theirs", _parts(found.segments)),
            ("beyond its limit", _items(found.findings)),
            ("upstream, since the window before", _items(found.upstream)),
        )
        if items
    )
    return (
        f'<div class="cause {window["verdict"]}"><h3>{_link(watched, window, _at(window["start"]))}'
        f", version {window['version']}</h3><p>{'<br>'.join(escape(each) for each in told)}</p>"
        f'<div class="pairs">{lists}</div></div>'
    )


def _parts(parts: tuple[Part, ...]) -> str:
    return "".join(
        f'<li><i class="bar" style="width:{70 * part.share:.0f}px"></i>{escape(part.name)} '
        f'{part.share:.0%} <span class="quiet">{escape(part.words)}</span></li>'
        for part in parts
    )


def _items(sentences: tuple[str, ...]) -> str:
    return "".join(f"<li>{escape(each)}</li>" for each in sentences)


def _champions(watched: Watched) -> str:
    rows = (
        (
            _at(reign["from"]),
            _at(reign["to"]) if reign["to"] else "now",
            "none" if reign["version"] is None else f"version {reign['version']}",
            escape(reign["cause"]),
            escape(reign["actor"]),
            escape(reign["reason"])
            + (
                f" (approved by {escape(', '.join(reign['approved_by']))})"
                if reign["approved_by"]
                else ""
            ),
        )
        for reign in watched.reigns
    )
    found = table(("from", "to", "champion", "by", "asked by", "why"), rows)
    return f"<h2>Champions</h2>{found or '<p>There was none yet.</p>'}"


def _triggers(watched: Watched) -> str:
    rows = (
        (
            _at(each["at"]),
            escape(each["cause"]),
            escape(each["actor"]),
            escape(each["decision"] + (f" ({each['rule']})" if each["rule"] else "")),
            _run(watched, each["run_id"]),
            escape("; ".join(part for part in (each["reason"], each["why"]) if part)),
        )
        for each in watched.triggers
    )
    found = table(("at", "because of", "asked by", "limits say", "run", "in words"), rows)
    return f"<h2>Asked to be trained again</h2>{found or '<p>Nothing asked for it.</p>'}"


def _run(watched: Watched, run_id: str | None) -> str:
    if run_id is None:
        return ""
    run = watched.runs.get(run_id)
    ended = "" if run is None else f" {escape(run['outcome'] or run['status'])}"
    where = f"{watched.url}/v1/runs/{quote(run_id)}"
    return f'<a href="{escape(where)}">{escape(run_id)}</a>{ended}'


def _link(watched: Watched, window: WindowDetail, words: str) -> str:
    where = (
        f"{watched.url}/v1/models/{quote(watched.model)}/windows/{quote(watched.environment)}/"
        f"{quote(window['start'])}"
    )
    return f'<a href="{escape(where)}">{escape(words)}</a>'


def _verdict(verdict: str) -> str:
    return f'<b class="{escape(verdict)}">{escape(verdict)}</b>'


def _at(text: str) -> str:
    """An instant in UTC; its day alone where it is midnight."""
    at = instant(text)
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute) == (0, 0) else f"{at:%Y-%m-%d %H:%M}"
