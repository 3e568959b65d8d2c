"""Why a window is as it is, in words: what moved its answers, and what changed upstream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perennial.contracts.causes import AnswersMoved, Upstream

NOTHING = (
    "nothing: version, snapshot, code, policy and the mix of the traffic are those of the "
    "window before, so what is asked has changed by itself"
)
_MOST = 5
_MIX = 0.02
"""From this change of a share on, a mix is said to be another one."""
_UNKNOWN = "unknown"


def what_moved(answers: AnswersMoved) -> str:
    """The columns by their part in the change of the answers, and the change of all at once."""
    told = ", ".join(
        f"{each.column} {each.share:.0%} ({each.change:+.3g})" for each in answers.columns[:_MOST]
    )
    said = (
        f"mean {answers.answer} {answers.mean:.3g}, which {told} moved; all at once "
        f"{answers.together:+.3g}"
    )
    if answers.segments:
        parts = (f"{each.segment} {each.share:.0%}" for each in answers.segments[:_MOST])
        said += f", of which {', '.join(parts)}"
    return said


def changed(before: Upstream, now: Upstream) -> tuple[str, ...]:
    """What the answers come from now and did not before: empty where it is all the same."""
    return (
        *_version(before, now),
        *_policy(before, now),
        *mixed("traffic", _shares(before.traffic), _shares(now.traffic)),
    )


def mixed(what: str, before: Mapping[str, float], now: Mapping[str, float]) -> Iterator[str]:
    """Parts of a whole that have become larger or smaller by 2 % of it, five at most."""
    if not before or not now:
        return
    moves = [
        (round(abs(now.get(name, 0.0) - before.get(name, 0.0)), 9), name)
        for name in {*before, *now}
    ]
    for size, name in sorted(moves, key=lambda each: (-each[0], each[1]))[:_MOST]:
        if size >= _MIX:
            first, second = before.get(name, 0.0), now.get(name, 0.0)
            yield f"{what}: {name} {first:.0%} before, {second:.0%} now"


def _version(before: Upstream, now: Upstream) -> Iterator[str]:
    if before.version == now.version:
        return
    yield f"version {now.version} answers, version {before.version} did before"
    for name, old, new in (
        ("snapshot", before.snapshot, now.snapshot),
        ("code", before.code, now.code),
    ):
        if old or new:
            first, second = old[:12] or _UNKNOWN, new[:12] or _UNKNOWN
            yield f"{name}: the same" if old == new else f"{name}: {first} before, {second} now"


def _policy(before: Upstream, now: Upstream) -> Iterator[str]:
    if before.policy and now.policy and before.policy != now.policy:
        yield f"policy: {before.policy[:12]} before, {now.policy[:12]} now"


def _shares(rows: Mapping[int, int]) -> dict[str, float]:
    whole = sum(rows.values())
    return {f"version {version}": count / whole for version, count in rows.items()} if whole else {}
