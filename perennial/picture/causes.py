"""Why a window is as it is: what moved most in it, and what changed upstream since the last one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perennial.documents import Json, WindowDetail
from perennial.picture.watched import Watched

_MOST = 5
_MIX = 0.02
"""From this change of a share on, a mix is said to be another one."""
_ROWS = 0.2


@dataclass(frozen=True)
class Part:
    """A column's or a segment's part in a window's change.

    Attributes:
        share: of the change, from 0 to 1.
        words: the figures it follows from.
    """

    name: str
    share: float
    words: str


@dataclass(frozen=True)
class Cause:
    """What is known of why a window is as it is.

    Attributes:
        beside: what the window was compared with.
        answers: columns by their part in the change of the answers; of windows that fail.
        answering: segments by theirs.
        moved: what answer that is, and how far it moved.
        columns: that moved most.
        segments: that moved most, those of one column together adding up to 1.
        findings: measures beyond their limits, in words.
        upstream: what is other than in the window before, in words.
    """

    beside: str
    answers: tuple[Part, ...]
    answering: tuple[Part, ...]
    moved: str
    columns: tuple[Part, ...]
    segments: tuple[Part, ...]
    findings: tuple[str, ...]
    upstream: tuple[str, ...]


def cause(watched: Watched, window: WindowDetail) -> Cause:
    """What is known of a window's change."""
    judged = window["judged"]
    drift = judged["drift"]
    before = watched.before(window)
    answers = judged.get("answers")
    return Cause(
        beside=judged.get("beside") or "",
        answers=tuple(
            Part(each["column"], each["share"], f"{each['change']:+.3g}")
            for each in (answers or {}).get("columns", ())[:_MOST]
        ),
        answering=tuple(
            Part(each["segment"], each["share"], f"{each['change']:+.3g}, {each['rows']:,} rows")
            for each in (answers or {}).get("segments", ())[:_MOST]
        ),
        moved=""
        if not answers
        else f"mean {answers['answer']} {answers['mean']:.3g}, by {answers['rows']:,} rows; the "
        f"columns at once {answers['together']:+.3g}",
        columns=tuple(
            Part(each["column"], each["share"], f"PSI beyond chance {each['psi']:.3f}")
            for each in drift.get("moved", ())[:_MOST]
        ),
        segments=tuple(_segments(judged)),
        findings=tuple(_findings(drift)),
        upstream=_upstream(watched, before, window) if before is not None else (),
    )


def _segments(judged: Json) -> list[Part]:
    """Each segment's part: its rows' share, by how far they moved."""
    weights: dict[str, float] = {}
    whole: dict[str, float] = {}
    for each in judged.get("segments", ()):
        moved = sum(column["psi"] for column in each["verdict"].get("moved", ()))
        weights[each["segment"]] = moved * each["share"]
        column = each["segment"].partition("=")[0]
        whole[column] = whole.get(column, 0.0) + weights[each["segment"]]
    parts = []
    for each in judged.get("segments", ()):
        total = whole[each["segment"].partition("=")[0]]
        if total > 0:
            most = [column["column"] for column in each["verdict"].get("moved", ())[:2]]
            words = f"{each['verdict']['verdict']}, {each['share']:.0%} of the rows"
            words += f", most by {' and '.join(most)}" if most else ""
            parts.append(Part(each["segment"], weights[each["segment"]] / total, words))
    return sorted(parts, key=lambda part: (-part.share, part.name))[:_MOST]


def _findings(drift: Json) -> Iterator[str]:
    shares = ("missing", "out_of_range", "unknown", "total_variation")
    for each in drift.get("findings", ())[: 2 * _MOST]:
        told = "{:.1%}" if each["measure"] in shares else "{:.3f}"
        measure = each["measure"].replace("_", " ")
        value, limit = told.format(each["value"]), told.format(each["limit"])
        yield f"{each['column']}: {measure} {value}, {limit} is allowed"


def _upstream(watched: Watched, before: WindowDetail, window: WindowDetail) -> tuple[str, ...]:
    found = [
        *_versions(watched, before, window),
        *_policy(watched, before, window),
        *_mix("traffic", _traffic(before), _traffic(window)),
        *_mix("rows", _mixed(before), _mixed(window)),
    ]
    if before["rows"] and abs(window["rows"] / before["rows"] - 1) > _ROWS:
        found.append(f"rows: {before['rows']:,} before, {window['rows']:,} now")
    return tuple(found) or (
        "nothing: version, snapshot, code, policy and the mix of the traffic are those of the "
        "window before, so what is asked has changed by itself",
    )


def _versions(watched: Watched, before: WindowDetail, window: WindowDetail) -> Iterator[str]:
    old, new = before["version"], window["version"]
    if old == new:
        return
    yield f"version {new} answers, version {old} did before"
    known = [watched.versions[each] for each in (old, new) if each in watched.versions]
    if len(known) < 2:
        return
    for name, way in (
        ("snapshot", ("snapshot", "digest")),
        ("code", ("training", "code", "source_digest")),
    ):
        first, second = (_within(version, way) for version in known)
        same = "the same" if first == second else f"{first[:12]} before, {second[:12]} now"
        yield f"{name}: {same}"


def _policy(watched: Watched, before: WindowDetail, window: WindowDetail) -> Iterator[str]:
    digests = [
        watched.decisions[each["decision_id"]]["policy_digest"]
        for each in (before, window)
        if each["decision_id"] in watched.decisions
    ]
    if len(digests) == 2 and digests[0] != digests[1]:
        yield f"policy: {digests[0][:12]} before, {digests[1][:12]} now"


def _traffic(window: WindowDetail) -> dict[str, float]:
    rows = window["judged"].get("traffic") or {}
    whole = sum(rows.values())
    return {f"version {version}": count / whole for version, count in rows.items()} if whole else {}


def _mixed(window: WindowDetail) -> dict[str, float]:
    return {each["segment"]: each["share"] for each in window["judged"].get("segments", ())}


def _mix(what: str, before: dict[str, float], now: dict[str, float]) -> Iterator[str]:
    changed = [(abs(now.get(name, 0.0) - before.get(name, 0.0)), name) for name in {*before, *now}]
    if not before or not now:
        return
    for size, name in sorted(changed, key=lambda each: (-each[0], each[1]))[:_MOST]:
        if size >= _MIX:
            first, second = before.get(name, 0.0), now.get(name, 0.0)
            yield f"{what}: {name} {first:.0%} before, {second:.0%} now"


def _within(document: Json, way: tuple[str, ...]) -> str:
    found: object = document
    for part in way:
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return str(found) if found else "unknown"
