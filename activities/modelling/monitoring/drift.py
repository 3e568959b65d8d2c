"""What a window's profile shows beside a reference's, column by column.

Of a window that was just profiled the numbers are at hand and are counted
(`activities.modelling.data.distributions`); of one whose profile alone is left, a sketch stands for
them. Sketches are KLL's (Karnin, Lang and Liberty, "Optimal quantile approximation in streams",
FOCS 2016), with a size of 8192, and 16384 for references and what becomes a part of one; a
reference's profile also keeps exact deciles. So distances of a window at hand are those of its
rows, but for KS, which is as exact as the reference's sketch; of a window's profile they are within
1 % of that, but PSI was up to 3 % off where a bin is nearly empty. The same rows give the same
figures whenever they are profiled (`activities.modelling.data.ordered_sketch`). Text is counted
exactly up to about 750 different values in a column. How values are cut is said in
`activities.modelling.monitoring.bins`, what the distances are in `perennial.analysis.distances`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from activities.modelling.data.sketches import Sketch, read_sketches
from activities.modelling.monitoring.bins import (
    Texts,
    as_texts,
    beyond,
    largest_gap,
    most_frequent,
    named,
    number_bins,
    text_bins,
    unknown,
    unseen,
)
from activities.modelling.requests.frames import PREDICTION, PROBABILITY
from perennial.analysis import distances
from perennial.contracts.drift import Bin, ColumnDrift, Kind, Side, WindowDrift

_NAMED = 10
_TRUTH = {"0": "false", "1": "true", "False": "false", "True": "true"}
_WORDS: dict[Kind, str] = {"number": "numbers", "text": "text", "other": "neither numbers nor text"}


def measure(
    reference: bytes,
    window: bytes,
    columns: Collection[str] | None = None,
    answers: bytes | None = None,
) -> WindowDrift:
    """Compare a window with a reference.

    Args:
        reference: a profile that `profiles.profile_frame` wrote: of the training snapshot, or of
            an earlier window.
        window: the profile of a window of requests.
        columns: that the model reads; those of the reference where it is left out. A snapshot has
            others, such as the target, which no request has.
        answers: a profile of what the model answers usually, in place of the answers that the
            reference holds; a snapshot holds none.

    Returns:
        Columns in the order of the names. Of answers that are handed over the window has to have
        each; those of the reference are compared where both sides hold them.

    Raises:
        ProfileCorrupt: a profile cannot be read.
    """
    usual = read_sketches(reference)
    said = None if answers is None else read_sketches(answers)
    return compare(usual, read_sketches(window), columns, said)


def compare(
    usual: Mapping[str, Sketch],
    now: Mapping[str, Sketch],
    columns: Collection[str] | None = None,
    said: Mapping[str, Sketch] | None = None,
) -> WindowDrift:
    """The same of sketches; `said` has those of the usual answers."""
    if said is None:
        said = {name: usual[name] for name in usual.keys() & now.keys() if is_answer(name)}
    asked = {name for name in usual if not is_answer(name)} if columns is None else set(columns)
    return WindowDrift(
        rows=_rows(now),
        reference_rows=_rows(usual),
        columns=tuple(_column(name, usual.get(name), now.get(name)) for name in sorted(asked)),
        predictions=tuple(_column(name, said[name], now.get(name)) for name in sorted(said)),
        unreferenced=tuple(sorted(now.keys() - usual.keys() - said.keys())),
    )


def is_answer(name: str) -> bool:
    """Whether a column of a profile is what a model answered, and not what it was asked."""
    return name == PREDICTION or name.startswith(PROBABILITY)


def _rows(sketches: Mapping[str, Sketch]) -> int:
    return max((each.rows for each in sketches.values()), default=0)


def _column(name: str, reference: Sketch | None, window: Sketch | None) -> ColumnDrift:
    found = ColumnDrift(
        column=name, kind="nothing", reference=_side(reference), window=_side(window)
    )
    if reference is None or window is None:
        where = "the reference" if reference is None else "the window"
        return _with(found, problem=f"{where} has no such column")
    usual, now = reference.kind, window.kind
    if "nothing" in (usual, now):  # what is missing says it all
        return found
    if (usual, now) == ("number", "number"):
        return _numbers(found, reference, window)
    texts = _alike(as_texts(reference), as_texts(window))
    if now == "text" and (usual == "text" or texts[0].counts.keys() & texts[1].counts.keys()):
        return _texts(found, *texts)
    problem = f"the window holds {_WORDS[now]}"
    if usual != now:
        problem += f", and the reference {_WORDS[usual]}"
    return _with(found, kind="other", problem=problem)


def _side(column: Sketch | None) -> Side:
    if column is None or not column.rows:
        return Side()
    return Side(rows=column.rows, missing=column.missing / column.rows)


def _numbers(found: ColumnDrift, reference: Sketch, window: Sketch) -> ColumnDrift:
    usual, now = reference.numbers, window.numbers
    return _with(
        _measured(found, number_bins(usual, now)),
        kind="number",
        ks=largest_gap(usual, now),
        out_of_range=beyond(usual, now),
    )


def _texts(found: ColumnDrift, reference: Texts, window: Texts) -> ColumnDrift:
    bins = text_bins(reference, window)
    varied = distances.total_variation(*_shares(bins))
    found = _with(_measured(found, bins), kind="text", total_variation=varied)
    vanished = tuple(v for v in named(reference) if v not in window.counts)
    found = _with(found, vanished=vanished)
    if not (reference.whole and window.whole):
        return found
    fresh = unknown(reference, window)
    return _with(
        found,
        unknown=sum(fresh.values()) / window.known,
        unknown_chance=unseen(reference, window.known),
        new=tuple(most_frequent(fresh, _NAMED)),
    )


def _measured(found: ColumnDrift, bins: tuple[Bin, ...]) -> ColumnDrift:
    shares = _shares(bins)
    return _with(
        found,
        bins=bins,
        psi=distances.psi(*shares),
        chance=distances.chance(len(bins), found.reference.known, found.window.known),
        jensen_shannon=distances.jensen_shannon(*shares),
    )


def _shares(bins: Sequence[Bin]) -> tuple[list[float], list[float]]:
    return [each.reference for each in bins], [each.window for each in bins]


def _alike(reference: Texts, window: Texts) -> tuple[Texts, Texts]:
    """A truth value is 0 or 1 in the profile of a snapshot, and true or false in requests."""
    if reference.counts.keys() <= _TRUTH.keys() and window.counts.keys() <= {"false", "true"}:
        said = {_TRUTH[value]: count for value, count in reference.counts.items()}
        return replace(reference, counts=said), window
    return reference, window


def _with(found: ColumnDrift, **measured: object) -> ColumnDrift:
    return found.model_copy(update=measured)
