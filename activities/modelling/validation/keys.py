"""Keys that are missing or there twice, found among neighbours: snapshots are ordered by key."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from activities.modelling.data.ordering import no_room, ordered
from activities.modelling.data.parted import Parted
from activities.modelling.validation.violations import Broken

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Keys:
    """The keys of rows that go by; of those before, the last one is in memory."""

    def __init__(self, rows: Parted, key: str) -> None:
        """Begin with no row.

        Args:
            rows: that are going to be looked at.
            key: the column that names them.
        """
        self._rows, self._key = rows, key
        self._neighbours = _Neighbours()

    def add(self, start: int, keys: pd.Series) -> None:
        """Take some rows."""
        if self._neighbours.ascend:
            positions = np.arange(start, start + len(keys))
            self._neighbours.add(_in_arrow(keys), positions)

    def repeated(self) -> Broken:
        """Rows whose key is missing or not their own.

        Raises:
            Unavailable: the rows are in no order, and there is no room to order their keys.
        """
        if self._neighbours.ascend:
            return self._neighbours.end()
        found = _Neighbours()
        with (
            tempfile.TemporaryDirectory(prefix="perennial-keys-") as folder,
            no_room("keys could not be ordered", folder),
        ):
            for table in ordered(self._with_positions(), "key", Path(folder)):
                keys = pa.concat_arrays(table["key"].chunks)
                found.add(keys, table["position"].to_numpy())
        return found.end()

    def _with_positions(self) -> Iterator[pa.Table]:
        for part in self._rows.parts([self._key]):
            keys = _in_arrow(part.frame[self._key])
            positions = np.arange(part.start, part.start + len(keys))
            yield pa.table({"key": keys, "position": positions})


def _in_arrow(keys: pd.Series) -> pa.Array:
    found = pa.array(keys, from_pandas=True)  # text may be in several pieces
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


class _Neighbours:
    """Keys that ascend, missing ones anywhere."""

    def __init__(self) -> None:
        self.ascend = True
        self._broken = Broken()
        self._last: pa.Array | None = None
        self._position: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._twice = False

    def add(self, keys: pa.Array, positions: NDArray[np.intp]) -> None:
        if keys.null_count:
            missing = keys.is_null().to_numpy(zero_copy_only=False)
            self._broken.add_at(positions[missing], int(missing.sum()))
            keys, positions = keys.drop_null(), positions[~missing]
        if self._last is not None:
            keys = pa.concat_arrays([self._last, keys.cast(self._last.type)])
            positions = np.concatenate([self._position, positions])
        if not len(keys):
            return
        if pc.any(pc.less(keys[1:], keys[:-1])).as_py():
            self.ascend = False
            return
        same = pc.equal(keys[1:], keys[:-1]).to_numpy(zero_copy_only=False)
        twice = np.concatenate([[self._twice], same]) | np.concatenate([same, [False]])
        # whether the last one is there again is for the next part to say
        self._take(positions[:-1], twice[:-1])
        self._last, self._position, self._twice = keys[-1:], positions[-1:], bool(twice[-1])

    def end(self) -> Broken:
        if self._last is not None:
            self._take(self._position, np.array([self._twice]))
            self._last = None
        return self._broken

    def _take(self, positions: NDArray[np.intp], twice: NDArray[np.bool_]) -> None:
        count = int(twice.sum())
        if count:
            self._broken.add_at(positions[twice], count)
