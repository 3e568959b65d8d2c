"""Imports without the garbage collector, which would find nothing and take a fifth of the time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Import inside this what makes many modules: they stay, and looking through them is in vain.

    Blocks may lie in one another, and in several threads: the one that began the pause ends it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
