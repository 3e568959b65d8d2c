"""Rows of the training snapshot that windows are compared with, where a profile is not enough."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perennial.blobs import BlobCorrupt, BlobStore
from perennial.contracts.base import BlobRef

_ROWS = 100_000
"""Of a snapshot, at most: so many tell a share of 1 % within a thirtieth of itself."""
_KEPT = 4


class ReferenceRows:
    """Reads samples of snapshots, and keeps the last few: each window of a model wants the same."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._kept: OrderedDict[tuple[str, frozenset[str]], pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, snapshot: BlobRef, columns: Collection[str]) -> pd.DataFrame:
        """100,000 rows at most, the same ones each time. Shared: do not change them.

        Args:
            snapshot: Parquet, as `snapshots.keep` wrote it.
            columns: that are wanted; those that it does not have are left out.

        Raises:
            BlobCorrupt: the file is not what it was, or no Parquet.
        """
        key = snapshot.sha256, frozenset(columns)
        with self._lock:
            frame = self._kept.get(key)
            if frame is None:
                frame = self._kept[key] = _sample(self._blobs, snapshot, columns)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return frame


def _sample(blobs: BlobStore, snapshot: BlobRef, columns: Collection[str]) -> pd.DataFrame:
    path = blobs.get(snapshot)
    try:
        file = pq.ParquetFile(path)
        table: pa.Table = file.read([name for name in file.schema_arrow.names if name in columns])
    except (pa.ArrowException, OSError) as error:
        raise BlobCorrupt(f"blob {snapshot.sha256[:12]} is no Parquet file: {error}") from error
    if len(table) > _ROWS:
        chosen = np.random.default_rng(0).choice(len(table), _ROWS, replace=False)
        table = table.take(pa.array(np.sort(chosen)))
    frame: pd.DataFrame = table.to_pandas()
    return frame
