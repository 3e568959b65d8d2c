"""Pieces of memory put together: by C where there was a compiler, else by Arrow."""

from __future__ import annotations

try:
    from serving._pieces import joined, transposed
except ImportError:
    from serving.plain_pieces import joined, transposed

__all__ = ["joined", "transposed"]
