"""Which columns have changed a champion's answers, and by how much: rows are asked again.

One column at a time has its values replaced by what the reference would have there, and the
champion answers the same rows again; the difference of the mean answers is that column's effect.
The replacement moves a column's distribution to the reference's and leaves the rows otherwise as
they are:

- of **numbers**, a value becomes the reference's quantile of its own rank in the window (quantile
  mapping, the cheapest transport between two distributions on a line). Equal values get ranks by
  lot. What is large stays large, so that columns that go together still do;
- of **text**, as few values as can be are replaced (the maximal coupling of two distributions):
  rows of a value that has become too frequent get one that has become too rare, by lot;
- what is **missing** becomes as frequent as it was, in the same way.

A replacement needs the reference's profile alone, so it works beside earlier windows too.

Source: Budhathoki, Janzing, Bloebaum and Ng, "Why did the distribution change?", AISTATS 2021, who
attribute a change to each part of a distribution by exchanging it. They average over all orders of
exchanging (Shapley); here each is exchanged alone, which asks the champion once for each column,
and what two columns do only together is told by `together`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.data.sketches import Sketch
from activities.modelling.export.graphs import Graph
from activities.modelling.monitoring.bins import as_texts
from activities.modelling.monitoring.segments import as_asked
from activities.modelling.requests.frames import PREDICTION, PROBABILITY
from activities.modelling.values import as_numbers, as_text
from perennial.contracts.causes import AnswersMoved, ColumnEffect, SegmentEffect
from perennial.contracts.drift import WindowVerdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Texts = NDArray[np.object_]

_ROWS, _LEAST = 1000, 125
"""Rows that are asked again, and the fewest that say something."""
_COLUMNS = 20
_SEGMENTS = 5
"""Values of a column that are told, those with the largest change first."""
_SECONDS = 0.6
"""Of computing answers; another 0.3 s are for the replacements."""
_TRUTH = {"0": "false", "1": "true"}
_logger = logging.getLogger(__name__)


def what_moved(
    graph: Graph,
    rows: pd.DataFrame,
    reference: Mapping[str, Sketch],
    verdict: WindowVerdict,
    start: datetime,
    by: Sequence[str] = (),
) -> AnswersMoved | None:
    """How far each column that moved has moved the answers, and which rows that was.

    Args:
        graph: the champion.
        rows: of the window, as the log of requests has them. 1,000 are asked again at most, and
            fewer where the champion is slow, 125 at least: all of it takes a second.
        reference: columns by name.
        verdict: on the window. Looked at are the columns of its parts and findings, 20 at most.
        start: of the window; it draws the lots.
        by: columns whose values make segments.

    Returns:
        None where none of the columns can be exchanged, the champion takes so long that not one
        could be in time, or it fails at a row. One that is slow is asked for the first columns.
    """
    names = _candidates(graph, rows, reference, verdict)
    if PREDICTION in rows:
        rows = rows[rows[PREDICTION].notna()]  # it failed at the others, and would again
    if not names or rows.empty:
        return None
    try:
        return _ask_again(graph, rows, reference, names, start, by)
    except Exception as error:  # of ONNX Runtime, which has many; a window is judged without it
        _logger.warning("what moved the answers is not known: %s", error)
        return None


def _ask_again(
    graph: Graph,
    rows: pd.DataFrame,
    reference: Mapping[str, Sketch],
    names: Sequence[str],
    start: datetime,
    by: Sequence[str],
) -> AnswersMoved | None:
    rng = np.random.default_rng(int(start.timestamp()) % 2**32)
    drawn = _some(rows, _ROWS, rng)
    sample = drawn[list(graph.columns)]
    graph.scores(sample.iloc[:1])  # the first time it is slower
    sample, now, took = _affordable(graph, sample, len(names) + 2)
    names = names[: int(_SECONDS / took) - 2]
    if not names:
        return None
    sound = _answered(now)  # rows that got no answer say nothing
    if not sound.any():
        return None
    exchanged = {name: _exchange(graph, sample[name], reference[name], rng) for name in names}
    alone = {
        name: _mean(now, _scores(graph, sample.assign(**{name: values})), sound)
        for name, values in exchanged.items()
    }
    place = _looked_at(graph, list(alone.values()))
    usual = _scores(graph, sample.assign(**exchanged))
    whole = _mean(now, usual, sound)
    total = sum(abs(float(change[place])) for change in alone.values())
    effects = [
        ColumnEffect(
            column=name,
            change=float(change[place]),
            share=abs(float(change[place])) / total if total else 0.0,
        )
        for name, change in alone.items()
    ]
    return AnswersMoved(
        answer=f"{PROBABILITY}{graph.classes[place]}" if graph.classes else PREDICTION,
        mean=float(now[sound, place].mean()),
        together=float(whole[place]),
        rows=int(sound.sum()),
        columns=tuple(sorted(effects, key=lambda each: (-each.share, each.column))),
        segments=tuple(_by_segment(drawn, by, now[:, place] - usual[:, place], sound)),
    )


def _by_segment(
    drawn: pd.DataFrame, by: Sequence[str], change: Floats, sound: NDArray[np.bool_]
) -> Iterator[SegmentEffect]:
    """What each segment contributes to the mean of the rows' changes `[rows]`."""
    mine = sound & np.isfinite(change)
    rows = int(mine.sum())
    for column in by:
        if column not in drawn or not rows:
            continue
        values = as_text(as_asked(drawn[column].iloc[: len(change)]))[mine]
        parts = pd.Series(change[mine]).groupby(values, sort=True).agg(["sum", "size"])
        parts = parts[parts.index != ""]  # what is missing is no segment
        total = float(parts["sum"].abs().sum())
        largest = parts.loc[parts["sum"].abs().sort_values(ascending=False, kind="stable").index]
        for value, moved, count in largest.head(_SEGMENTS).itertuples():
            yield SegmentEffect(
                segment=f"{column}={value}",
                change=float(moved) / rows,
                share=abs(float(moved)) / total if total else 0.0,
                rows=int(count),
            )


def _candidates(
    graph: Graph, rows: pd.DataFrame, reference: Mapping[str, Sketch], verdict: WindowVerdict
) -> list[str]:
    """Columns that moved, the farthest first, which both sides hold something of."""
    moved = (*(each.column for each in verdict.moved), *(each.column for each in verdict.findings))
    if any(name not in rows for name in graph.columns):
        return []
    read, texts = set(graph.columns), set(graph.categories)
    return [
        name
        for name in dict.fromkeys(moved)
        if name in read
        and name in reference
        and reference[name].kind in (("text", "number") if name in texts else ("number",))
    ][:_COLUMNS]


def _some(rows: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    """By lot and in no order, so that the first of them are a sample too."""
    return rows.iloc[rng.permutation(len(rows))[:most]].reset_index(drop=True)


def _scores(graph: Graph, rows: pd.DataFrame) -> Floats:
    """Answers `[rows, classes]` or `[rows, 1]`."""
    scores = graph.scores(rows)
    return scores if scores.ndim == 2 else scores[:, None]


def _affordable(
    graph: Graph, sample: pd.DataFrame, times: int
) -> tuple[pd.DataFrame, Floats, float]:
    """As many rows as can be asked so many times, their answers, and the seconds of once.

    Seconds of this thread, which ONNX Runtime computes in: others that use the cores are no reason
    to say less. Each call has a cost of its own, so the pace of few rows says nothing of many.
    """
    count = _LEAST
    while True:
        began = time.thread_time()
        rows = sample.iloc[:count]
        now = _scores(graph, rows)
        took = max(time.thread_time() - began, 1e-6)
        if count >= len(sample) or 2 * took * times > _SECONDS:
            return rows, now, took
        count *= 2


def _answered(scores: Floats) -> NDArray[np.bool_]:
    """Which rows `[rows]` have an answer."""
    return np.asarray(np.isfinite(scores).all(axis=1))


def _mean(now: Floats, usual: Floats, sound: NDArray[np.bool_]) -> Floats:
    """The mean change of each answer, over rows that were answered both times."""
    both = sound & _answered(usual)
    if not both.any():
        return np.zeros(now.shape[1])
    change: Floats = (now[both] - usual[both]).mean(axis=0)
    return change


def _looked_at(graph: Graph, changes: Sequence[Floats]) -> int:
    """The class that the columns change most; of two the second, as everywhere."""
    if len(graph.classes) < 3:
        return len(graph.classes) - 1 if graph.classes else 0
    return int(np.abs(np.array(changes)).sum(axis=0).argmax())


def _exchange(
    graph: Graph, column: pd.Series, reference: Sketch, rng: np.random.Generator
) -> Floats | Texts:
    if column.name in graph.categories:
        return _texts(as_text(column), reference, rng)
    values = as_numbers(column.to_frame(), (str(column.name),))[:, 0].astype(np.float64)
    return _numbers(values, reference, rng)


def _numbers(values: Floats, reference: Sketch, rng: np.random.Generator) -> Floats:
    """The values `[rows]` with the reference's distribution, and its share of missing ones."""
    gone = np.isnan(values)
    rows, wanted = len(values), round(len(values) * reference.missing / reference.rows)
    order = np.lexsort((rng.random(rows), values))  # missing ones come last
    known = rows - int(gone.sum())
    if wanted > rows - known:
        order[:known] = _without(order[:known], wanted - (rows - known), rng)
    elif wanted < rows - known:  # some of the missing get a value of any size
        filled = rng.choice(np.flatnonzero(gone), rows - known - wanted, replace=False)
        places = rng.integers(0, known + 1, len(filled))
        rest = np.setdiff1d(np.flatnonzero(gone), filled, assume_unique=True)
        order = np.concatenate([np.insert(order[:known], places, filled), rest])
    count = rows - wanted
    exchanged = np.full(rows, np.nan)
    exchanged[order[:count]] = reference.numbers.quantiles((np.arange(count) + 0.5) / max(count, 1))
    return exchanged


def _without(order: NDArray[np.intp], more: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The same places with so many of them, by lot, at the end."""
    left = np.ones(len(order), dtype=bool)
    left[rng.choice(len(order), more, replace=False)] = False
    return np.concatenate([order[left], order[~left]])


def _texts(values: Texts, reference: Sketch, rng: np.random.Generator) -> Texts:
    """The values `[rows]` with the reference's distribution; the empty text is a missing one."""
    usual = as_texts(reference)
    counts = dict(usual.counts)
    now = {str(value): int(count) for value, count in pd.Series(values).value_counts().items()}
    if counts.keys() <= _TRUTH.keys() and now.keys() <= {"false", "true", ""}:
        counts = {_TRUTH[value]: count for value, count in counts.items()}
    # beyond those that a profile can name, the reference's rows are as the window's
    if unnamed := max(usual.known - sum(counts.values()), 0):
        others = {value: count for value, count in now.items() if value and value not in counts}
        whole = sum(others.values())
        counts |= {value: round(unnamed * count / whole) for value, count in others.items()}
    counts[""] = reference.missing
    total = sum(counts.values())
    exchanged, free, lacking = values.copy(), [], dict[str, float]()
    for value in now.keys() | counts.keys():
        have, wanted = now.get(value, 0), len(values) * counts.get(value, 0) / total
        if have > wanted:
            mine = np.flatnonzero(values == value)
            free.append(rng.choice(mine, have - round(wanted), replace=False))
        elif wanted > have:
            lacking[value] = wanted - have
    if not free or not lacking:
        return exchanged
    places, names = rng.permutation(np.concatenate(free)), sorted(lacking)
    parts = np.array([lacking[name] for name in names])
    ends = np.round(np.cumsum(parts) / parts.sum() * len(places)).astype(int)
    for name, part in zip(names, np.split(places, ends[:-1]), strict=True):
        exchanged[part] = name
    return exchanged
