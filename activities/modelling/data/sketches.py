"""What a profile knows of the values of its columns."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from whylogs.core.view.column_profile_view import ColumnProfileView
from whylogs.core.view.dataset_profile_view import DatasetProfileView

from activities.modelling.data.ordered_sketch import Ordered
from perennial.contracts.drift import Kind
from perennial.contracts.errors import Final

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# it says at INFO where in a profile each of its columns begins: forty lines a window
logging.getLogger("whylogs.core.utils.protobuf_utils").setLevel(logging.WARNING)

WINDOW, REFERENCE = 4096, 16384
"""Sizes of the sketches of numbers. Distances from them are within 1 % of exact ones. A reference
has finer ones, one for many windows, and its deciles are exact where all its rows are at hand:
where it is cut a little aside of them, a few rows of a small window are on the other side, and may
be half of a bin."""
DECILES = "perennial.deciles"


class ProfileCorrupt(Final):
    """A profile cannot be read."""


def read_profile(serialized: bytes) -> DatasetProfileView:
    """The profile that `profile_frame` wrote.

    Raises:
        ProfileCorrupt: the bytes are none.
    """
    try:
        return DatasetProfileView.deserialize(serialized)
    except Exception as error:  # of whylogs, of protobuf, of the sketches: each has its own
        raise ProfileCorrupt(
            f"{len(serialized):,} bytes are no whylogs profile: {error}; profile the rows again"
        ) from error


@dataclass(frozen=True)
class Sketch:
    """What a profile knows of the values of one column.

    Attributes:
        kind: what most known values are.
        rows: with those that miss a value.
        missing: rows that do; the empty text is a missing value.
        counts: of text and of whole numbers, how often each value is there. Text is cut after 128
            characters.
        whole: whether `counts` holds every value; up to about 750 different ones it does.
    """

    kind: Kind
    rows: int
    missing: int
    counts: Mapping[str, int]
    whole: bool
    _numbers: (
        Any  # a kll_doubles_sketch that holds something: asked when empty, it kills the process
    )
    _deciles: Sequence[float] | None = None

    @property
    def low(self) -> float:
        """The smallest number, as it is."""
        return float(self._numbers.get_min_value())

    @property
    def high(self) -> float:
        """The largest number, as it is."""
        return float(self._numbers.get_max_value())

    def below(self, points: Floats) -> Floats:
        """Which share of the known numbers is less than each point.

        Args:
            points: finite and ascending, none twice.
        """
        return np.array(self._numbers.get_cdf(points.tolist())[:-1], dtype=np.float64)

    def quantiles(self, shares: Floats) -> Floats:
        """The numbers that have such shares of the others below them."""
        return np.array(self._numbers.get_quantiles(shares.tolist()), dtype=np.float64)

    def deciles(self) -> Floats:
        """The nine of them; exact ones where the profile holds them."""
        if self._deciles is None:
            return self.quantiles(np.arange(1, 10) / 10)
        return np.array(self._deciles, dtype=np.float64)


def read_sketches(serialized: bytes) -> dict[str, Sketch]:
    """The columns of a profile that `profile_frame` wrote, by name.

    Raises:
        ProfileCorrupt: the bytes are none.
    """
    profile = read_profile(serialized)
    try:
        deciles: dict[str, list[float]] = json.loads(profile.metadata.get(DECILES, "{}"))
    except ValueError as error:
        raise ProfileCorrupt(
            f"a profile's deciles are no JSON: {error}; profile the rows again"
        ) from error
    return {
        name: sketch_of(view, deciles.get(name)) for name, view in profile.get_columns().items()
    }


def read_merged(profiles: Iterable[bytes], columns: Collection[str]) -> dict[str, Sketch]:
    """The columns of several profiles as if all their rows were in one, by name.

    Args:
        profiles: that `profile_frame` wrote; one at a time is held.
        columns: that are wanted: merging a column takes a millisecond.

    Raises:
        ProfileCorrupt: the bytes of one are none, or the columns of two do not go together.
    """
    merged: dict[str, ColumnProfileView] = {}
    numbers: dict[str, Ordered] = {}
    for serialized in profiles:
        for name, view in read_profile(serialized).get_columns().items():
            if name not in columns:
                continue
            try:
                merged[name] = merged[name].merge(view) if name in merged else view
            except Exception as error:  # of the sketches: each has its own
                raise ProfileCorrupt(
                    f"profiles of the column {name} cannot be merged: {error}"
                ) from error
            if (distribution := view.get_metric("distribution")) is not None:
                numbers.setdefault(name, Ordered(REFERENCE)).merge(distribution.kll.value)
    for name, ordered in numbers.items():  # the library would merge them by lots
        merged[name].get_metric("distribution").kll.set(ordered.sketch())
    return {name: sketch_of(view) for name, view in merged.items()}


def sketch_of(view: ColumnProfileView, deciles: Sequence[float] | None = None) -> Sketch:
    """What the view of a column knows.

    Args:
        view: of the column.
        deciles: how many numbers it has, and their nine deciles; left out where they are not known.
    """
    counted, types = view.get_metric("counts"), view.get_metric("types")
    rows, missing = int(counted.n.value), int(counted.null.value)
    counts, whole = _frequent(view)
    known: dict[Kind, int] = {
        "number": types.integral.value + types.fractional.value,
        "text": types.string.value + types.boolean.value - counts.get("", 0),
        "other": types.object.value + types.tensor.value,
    }
    kind = max(known, key=lambda each: known[each])
    distribution = view.get_metric("distribution")
    # whoever merges profiles with whylogs keeps what was said of one of them
    exact = deciles and int(counted.n.value) - int(counted.null.value) == deciles[0]
    return Sketch(
        kind=kind if known[kind] else "nothing",
        rows=rows,
        missing=missing + counts.pop("", 0),
        counts=counts,
        whole=whole,
        _numbers=distribution.kll.value if distribution is not None else None,
        _deciles=deciles[1:] if deciles and exact else None,
    )


def _frequent(view: ColumnProfileView) -> tuple[dict[str, int], bool]:
    metric = view.get_metric("frequent_items")
    if metric is None:
        return {}, False
    items = metric.strings
    exact = all(item.lower == item.upper for item in items)
    counts = {str(item.value): int(item.est) for item in items}
    return counts, exact and sum(
        counts.values()
    ) == metric.frequent_strings.value.get_total_weight()
