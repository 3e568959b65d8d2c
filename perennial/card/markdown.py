"""A card as Markdown: every sentence and table of it, and what the drawings show in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perennial.card.blocks import Block, Drawn, Facts, Heading, Listed, Rows, Said

_SIGNS = re.compile(r"([\\`*_<>\[\]|])")
_FIRST = re.compile(r"^(\d*)([#+.)-])(?=\s)")


def text(title: str, blocks: Sequence[Block], foot: str) -> str:
    """The whole document; all that is handed in is plain text."""
    parts = [f"# {_plain(title)}", *map(_block, blocks), f"---\n\n{_plain(foot)}"]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(said):
            return f"## {_plain(said)}"
        case Said(said):
            return _plain(said)
        case Listed(items):
            return "\n".join(f"- {_plain(item)}" for item in items)
        case Facts(pairs):
            return "\n".join(f"- **{_plain(name)}**: {_plain(value)}" for name, value in pairs)
        case Drawn(said, _, words):
            return f"**{_plain(said)}.** {_plain(words)}"
        case Rows(columns, rows, numbers):
            marks = ["---:" if place in numbers else "---" for place in range(len(columns))]
            lines = [map(_plain, columns), marks, *(map(_plain, row) for row in rows)]
            return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(said: str) -> str:
    """Text that means nothing to Markdown, in one line."""
    return _FIRST.sub(r"\1\\\2", _SIGNS.sub(r"\\\1", " ".join(said.split())))
