"""Pieces of memory put together by Arrow, where no compiler was there (`_pieces.c`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def joined(memory: memoryview, places: NDArray[np.int64], sizes: NDArray[np.int64]) -> bytes:
    """As `serving.pieces` has it. To Arrow every second value is what lies between two pieces."""
    import pyarrow as pa

    ends = places + sizes
    if (places < 0).any() or (sizes < 0).any() or (ends > len(memory)).any():
        raise ValueError("not all requests lie within the memory")
    if not len(places):
        return b""
    bounds = np.column_stack([places, ends]).ravel()
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(memory)]
    column = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bounds) - 1, buffers)
    data = column.take(pa.array(np.arange(0, len(bounds), 2))).buffers()[2]
    return b"" if data is None else data.to_pybytes()


def transposed(
    memory: memoryview, places: NDArray[np.int64], rows: NDArray[np.int32], width: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """As `serving.pieces` has it."""
    data = joined(memory, places, 4 * width * rows.astype(np.int64))
    values = np.ascontiguousarray(np.frombuffer(data, np.float32).reshape(-1, width).T)
    return values, np.asarray(np.isnan(values).any(axis=1))
