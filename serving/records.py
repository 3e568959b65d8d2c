"""Requests that wait to be logged: a record for each, in memory that was there before.

A request is kept as bytes: its objects would be looked through by each collection of garbage, and
while they wait, the requests that follow are given memory that no cache holds. Columns are made of
records where they are written, by another process.

Two modules have the same `Area` and `Records`: the one in C, which is built with the package where
there is a compiler, and the one in Python.
"""

from __future__ import annotations

try:
    from serving._records import Area, Records
except ImportError:
    from serving.plain_records import Area, Records  # type: ignore[assignment]

from mmap import mmap

__all__ = ["Area", "Records", "areas_in", "halves_of"]


def areas_in(memory: mmap | bytearray) -> list[Area]:
    """The halves of it: one is filled while what is in the other is written."""
    return [Area(half, number) for number, half in enumerate(halves_of(memory))]


def halves_of(memory: mmap | bytearray) -> list[memoryview]:
    """The same, as whoever writes them sees them."""
    view, half = memoryview(memory), len(memory) // 2
    return [view[:half], view[half : 2 * half]]
