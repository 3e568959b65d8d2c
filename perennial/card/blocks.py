"""What a card is made of, before it is Markdown or HTML: text that is plain, and drawings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """The title of a part."""

    text: str


@dataclass(frozen=True)
class Said:
    """A paragraph; `quiet` for what only some will read."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Listed:
    """Sentences below each other."""

    items: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """The most important things at a glance, each with its name."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Rows:
    """A table; `numbers` are the places of columns that are aligned to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()


@dataclass(frozen=True)
class Drawn:
    """A drawing, what it shows, and how it is read; `wide` where it needs a line of its own."""

    title: str
    svg: str
    words: str
    wide: bool = False


Block = Heading | Said | Listed | Facts | Rows | Drawn
