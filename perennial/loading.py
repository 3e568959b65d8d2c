"""Imports without the garbage collector, which would find nothing and take a fifth of the time."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_MANY = 50
"""Modules from which on it is worth while to keep what came with them out of all collections."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Import inside this what makes many modules: they stay, and looking through them is in vain.

    Blocks may lie in one another, and in several threads: the one that began the pause ends it.
    """
    was_on, known = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if len(sys.modules) - known >= _MANY:
                # it is young yet: the next collections would go through all of it, twice
                gc.freeze()
            gc.enable()
