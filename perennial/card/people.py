"""Who let a version in, and why; and how it does since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from perennial.card.blocks import Block, Drawn, Heading, Listed, Rows, Said
from perennial.card.known import Asked, Judged, Known, Reigned, Seen
from perennial.card.words import day, figure, minute, plain
from perennial.picture.charts import Axis, Line, Span, lanes, lines

_OUTCOMES = {
    "allow": "let it in",
    "deny": "refused it",
    "needs_approval": "wanted people to approve it",
    "error": "could not be asked, so it was not let in",
}
_STATUS = {
    "open": "is still open",
    "approved": "was answered with yes",
    "rejected": "was answered with no",
    "expired": "was not answered in time",
    "superseded": "was asked again with newer evidence",
    "cancelled": "was taken back",
}
_NEWEST = 5
_SHORT = {"inconclusive": ("unsure", "?"), "no_data": ("none",)}
"""For windows that are drawn narrow."""


def approved(known: Known) -> Iterator[Block]:
    """Policy, people and champions, environment by environment."""
    yield Heading("Who approved it, and why")
    found = False
    for environment in known.spec.environments:
        told = [
            *((each.at, 0, _judged(each)) for each in known.judged),
            *((each.at, 1, _asked(each)) for each in known.asked),
            *((each.since, 2, _reigned(each)) for each in known.reigned),
        ]
        mine = [
            sentence
            for _, _, (where, sentence) in sorted(told, key=lambda each: each[:2])
            if where == environment
        ]
        if mine:
            found = True
            yield Said(f"For {environment}:")
            yield Listed(mine)
    if not found:
        yield Said("Nobody was asked yet, and it is in use nowhere.")


def since(known: Known) -> Iterator[Block]:
    """The newest windows of its requests."""
    yield Heading("How it does since")
    if not known.seen:
        yield Said(
            "Nothing is known yet of how it does in use: no window of its requests was judged."
        )
        return
    newest = known.seen[-1]
    yield Said(
        f"In {known.watched}, {len(known.seen)} windows of its requests were looked at last, from "
        f"{minute(known.seen[0].start)} to {minute(newest.end)}. The newest one: "
        f"{newest.verdict}, {newest.reason}."
    )
    axis = Axis(known.seen[0].start, newest.end)
    verdicts = [("drift", [_span(each, each.verdict) for each in known.seen])]
    told = [each for each in known.seen if each.quality is not None]
    if told:
        verdicts.append(("quality", [_span(each, each.quality or "") for each in told]))
    drawn = [lanes(axis, "Verdicts by window", verdicts)]
    moved = Line(
        "moved most",
        "l1",
        [(_middle(e), e.moved, f"{e.column}: {e.moved or 0:.3f}") for e in known.seen],
    )
    if any(each.moved is not None for each in known.seen):
        drawn.append(lines(axis, "Drift by window", [moved]))
    yield Drawn(
        "Drift, window by window",
        "".join(drawn),
        "Drift is how far what it is asked has moved from what it learnt from: the column that "
        "moved most, as a population stability index beyond chance. Below 0.1 is nothing, above "
        "0.25 is much.",
        wide=True,
    )
    yield Rows(
        ("window", "rows", "drift", plain(known.primary), "in words"),
        [
            (
                minute(each.start),
                f"{each.rows:,}",
                each.verdict,
                figure(each.metrics[known.primary])
                if known.primary in each.metrics
                else "no labels",
                each.reason,
            )
            for each in reversed(known.seen[-_NEWEST:])
        ],
        numbers=(1,),
    )


def _judged(each: Judged) -> tuple[str, str]:
    sentence = f"{day(each.at)}: the policy {_OUTCOMES[each.outcome]} ({each.decision_id})"
    if each.reasons:
        sentence += f", because {'; '.join(each.reasons)}"
    if each.warnings:
        sentence += f". It warned: {'; '.join(each.warnings)}"
    return each.environment, f"{sentence}."


def _asked(each: Asked) -> tuple[str, str]:
    people = "one person was" if each.required == 1 else f"{each.required} people were"
    sentence = f"{day(each.at)}: {people} asked; the question {_STATUS[each.status]}"
    for vote in each.votes:
        word = "yes" if vote.approve else "no"
        why = f": “{vote.comment}”" if vote.comment else ", without a word why"
        sentence += f". {vote.by} said {word} on {minute(vote.at)}{why}"
    return each.environment, f"{sentence}."


def _reigned(each: Reigned) -> tuple[str, str]:
    until = f" and was it until {day(each.until)}" if each.until else ", and still is"
    why = f" Said about it: “{each.reason}”." if each.reason else ""
    how = f"by {each.cause}, asked for by {each.actor}"
    return each.environment, f"{day(each.since)}: it became champion {how}{until}.{why}"


def _span(each: Seen, verdict: str) -> Span:
    title = f"{minute(each.start)}, {verdict}: {each.reason}"
    words = (plain(verdict), *_SHORT.get(verdict, ()))
    return Span(each.start, each.end, f"verdict {verdict}", title, words)


def _middle(each: Seen) -> datetime:
    return each.start + (each.end - each.start) / 2
