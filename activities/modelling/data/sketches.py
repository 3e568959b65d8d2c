"""What a profile knows of the values of its columns."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from whylogs.core.view.column_profile_view import ColumnProfileView
from whylogs.core.view.dataset_profile_view import DatasetProfileView

from activities.modelling.data.distributions import NONE, Distribution
from activities.modelling.data.ordered_sketch import Ordered
from perennial.contracts.drift import Kind
from perennial.contracts.errors import Final

# it says at INFO where in a profile each of its columns begins: forty lines a window
logging.getLogger("whylogs.core.utils.protobuf_utils").setLevel(logging.WARNING)

Use = Literal["window", "rolling", "reference"]
"""What a profile is for: to be kept, or to be merged with others to a rolling reference, or to be
one by itself, for many windows."""
SIZES: Mapping[Use, int] = {"window": 8192, "rolling": 16384, "reference": 16384}
"""Numbers that the sketch of a column holds."""
NOTES = "perennial.deciles"
"""Where a reference's profile keeps of each column how many numbers it has, and what was noted of
them: their deciles, nearer than those of its sketch. Where it is cut a little aside of them, a few
rows of a small window are on the other side, and may be half of a bin."""


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
    """What is known of the values of one column.

    Attributes:
        kind: what most known values are.
        rows: with those that miss a value.
        missing: rows that do; the empty text is a missing value.
        counts: of text and of whole numbers, how often each value is there. Text is cut after 128
            characters.
        whole: whether `counts` holds every value; up to about 750 different ones it does.
        numbers: where there are none, nothing may be asked of them.
    """

    kind: Kind
    rows: int
    missing: int
    counts: Mapping[str, int]
    whole: bool
    numbers: Distribution


def read_sketches(serialized: bytes) -> dict[str, Sketch]:
    """The columns of a profile that `profile_frame` wrote, by name.

    Raises:
        ProfileCorrupt: the bytes are none.
    """
    profile = read_profile(serialized)
    try:
        noted: dict[str, list[float]] = json.loads(profile.metadata.get(NOTES, "{}"))
    except ValueError as error:
        raise ProfileCorrupt(
            f"the notes of a profile are no JSON: {error}; profile the rows again"
        ) from error
    return {
        name: sketch_of(view, estimated(view, noted.get(name, ())))
        for name, view in profile.get_columns().items()
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
                numbers.setdefault(name, Ordered(SIZES["reference"])).merge(distribution.kll.value)
    held = {name: each.estimated() for name, each in numbers.items() if each.get_n()}
    # the library would merge the numbers by lots
    return {name: sketch_of(view, held.get(name, NONE)) for name, view in merged.items()}


def sketch_of(view: ColumnProfileView, numbers: Distribution | None = None) -> Sketch:
    """What the view of a column knows.

    Args:
        view: of the column.
        numbers: those of the column; left out, what the view keeps of them.
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
    return Sketch(
        kind=kind if known[kind] else "nothing",
        rows=rows,
        missing=missing + counts.pop("", 0),
        counts=counts,
        whole=whole,
        numbers=estimated(view) if numbers is None else numbers,
    )


def estimated(view: ColumnProfileView, noted: Sequence[float] = ()) -> Distribution:
    """What the view of a column keeps of its numbers.

    Args:
        view: of the column.
        noted: how many numbers there were, and the notes of them.
    """
    numbers = Ordered(SIZES["reference"])
    if (distribution := view.get_metric("distribution")) is not None:
        numbers.merge(distribution.kll.value)
    if not numbers.get_n():
        return NONE
    # who merges profiles with whylogs keeps what was noted of one of them
    mine = noted and noted[0] == numbers.get_n()
    return numbers.estimated(noted[1:] if mine else ())


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
