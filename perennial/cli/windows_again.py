"""Windows of the past under another policy: what was done about each, and what would have been."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.text import Text

from perennial.cli.render import table, when, word
from perennial.documents import Flip, Json


def draw(out: Console, flips: list[Flip], windows: int) -> None:
    """A row for each window, oldest first, then how many went from what to what.

    Args:
        out: where to.
        flips: of monitoring alone.
        windows: that were asked about, those that agree too.
    """
    ordered = sorted(flips, key=lambda flip: (flip["model"], flip["window_start"] or ""))
    out.print(
        table(
            ("window from", "model", "v#", "then", "now", "why"),
            (
                (
                    when(flip["window_start"]),
                    flip["model"],
                    str(flip["version"]),
                    word(_done(flip["stored"])),
                    word(_done(flip["now"])),
                    Text("; ".join(flip["now"]["reasons"]) or "nothing speaks against it"),
                )
                for flip in ordered
            ),
        )
    )
    for told in counts(flips, windows):
        out.print(told, soft_wrap=True)


def counts(flips: list[Flip], windows: int) -> list[str]:
    """Sentences such as "3 of 40 windows would have led to retrain instead of alert"."""
    changes = Counter((_done(flip["now"]), _done(flip["stored"])) for flip in flips)
    return [
        f"{number} of {windows} windows would have led to {now} instead of {then}"
        for (now, then), number in sorted(changes.items(), key=lambda item: (-item[1], item[0]))
        if now != then
    ]


def _done(judgement: Json) -> str:
    """The action; where there was none, the policy gave no answer that counts."""
    return str(judgement["action"] or judgement["outcome"])
