"""Can a window's rows be told from the reference's, all columns together? (domain classifier)

Columns may each look as usual and still come together as they never did. A classifier that has
learnt from some rows of both sides says of others which side they are from. Where nothing moved it
can only guess: the area under its curve is 0.5.

Source: Rabanser, Günnemann and Lipton, "Failing loudly: an empirical study of methods for detecting
dataset shift", NeurIPS 2019, where such a classifier is among the methods that find most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from activities.modelling.values import as_numbers, as_text
from perennial.contracts.analysis import Verdict
from perennial.contracts.beside_rows import Multivariate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ROWS = 5000
_FOLDS = 3
_CATEGORIES = 200
_DEVIATIONS = 3
_WARN, _FAIL = 0.6, 0.75
_NAMED = 5


def tell_apart(
    rows: pd.DataFrame, reference: pd.DataFrame, columns: Sequence[str], least: int, seed: int
) -> Multivariate:
    """How well a window's rows can be told from the reference's.

    Three folds on 5,000 rows of each side at most, so it takes a second whatever the window's size.

    Args:
        rows: of the window.
        reference: of the snapshot, with float64 and whole numbers where the window has float32 and
            text: they are read as the model reads them, or their types would give them away.
        columns: that are looked at, where both sides have them.
        least: rows of each side; with fewer nothing is judged.
        seed: the same seed draws the same rows.
    """
    names = [name for name in columns if name in rows and name in reference]
    if min(len(rows), len(reference)) < least or not names:
        reason = (
            f"domain classifier: {len(names)} columns of {len(rows):,} rows beside "
            f"{len(reference):,}, {least:,} rows of each are needed"
        )
        return Multivariate(auc=0.5, verdict="no_data", reason=reason)
    rng = np.random.default_rng(seed)
    usual, now = _some(reference, rng), _some(rows, rng)
    told, textual = _table(usual, now, names)
    side = np.repeat([0, 1], [len(usual), len(now)])
    areas, parts = [], StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    ranked: tuple[str, ...] = ()
    # threads that spin while others use the cores make it ten times slower
    with threadpool_limits(1, user_api="openmp"):
        for train, test in parts.split(told, side):
            model = _fitted(told[train], side[train], textual, seed)
            areas.append(_area(model, told[test], side[test]))
        auc = float(np.mean(areas))
        if _verdict(auc) != "pass":
            ranked = _telling(model, told[test], side[test], names, rng)
    # of the area where nothing moved (Mann and Whitney 1947)
    chance = _DEVIATIONS * np.sqrt((len(side) + 1) / (12 * len(usual) * len(now)))
    verdict = _verdict(auc - chance)
    if verdict == "pass":
        ranked = ()
    reason = (
        f"domain classifier: area {auc:.3f} on {len(usual):,} and {len(now):,} rows, "
        f"{chance:.3f} of it may be chance; {_WARN:g} and {_FAIL:g} are the limits"
    )
    if ranked:
        reason += f"; it tells them by {', '.join(ranked)}"
    return Multivariate(auc=auc, verdict=verdict, reason=reason, columns=ranked)


def _fitted(
    told: Floats, side: NDArray[np.integer], textual: list[bool], seed: int
) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_iter=25,
        max_leaf_nodes=15,
        early_stopping=False,
        categorical_features=textual,
        random_state=seed,
    ).fit(told, side)


def _verdict(area: float) -> Verdict:
    if area > _FAIL:
        return "fail"
    return "inconclusive" if area > _WARN else "pass"


def _some(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    if len(frame) <= _ROWS:
        return frame
    return frame.iloc[np.sort(rng.choice(len(frame), _ROWS, replace=False))]


def _table(
    usual: pd.DataFrame, now: pd.DataFrame, names: Sequence[str]
) -> tuple[Floats, list[bool]]:
    """Both sides as numbers `[rows, columns]`, and which columns are codes of texts."""
    columns, textual = [], []
    for name in names:
        sides = [usual[name], now[name]]
        numeric = all(pd.api.types.is_numeric_dtype(side) for side in sides)
        textual.append(not numeric)
        if numeric:
            both = np.concatenate([as_numbers(side.to_frame(), (name,))[:, 0] for side in sides])
            # an infinity is as far out as can be
            columns.append(np.nan_to_num(both.astype(np.float64), nan=np.nan))
        else:
            columns.append(_codes(np.concatenate([as_text(side) for side in sides])))
    return np.column_stack(columns), textual


def _codes(texts: NDArray[np.object_]) -> Floats:
    """The most frequent texts by number, all others as one; a missing one is NaN."""
    known = pd.Series(texts[texts != ""]).value_counts().index[:_CATEGORIES]
    codes = pd.Categorical(texts, categories=known).codes.astype(np.float64)
    codes[codes < 0] = _CATEGORIES
    codes[texts == ""] = np.nan
    return codes


def _area(model: HistGradientBoostingClassifier, told: Floats, side: NDArray[np.integer]) -> float:
    return float(roc_auc_score(side, model.predict_proba(told)[:, 1]))


def _telling(
    model: HistGradientBoostingClassifier,
    told: Floats,
    side: NDArray[np.integer],
    names: Sequence[str],
    rng: np.random.Generator,
) -> tuple[str, ...]:
    """Columns by what the area loses where their values are shuffled, five at most."""
    whole, lost = _area(model, told, side), {}
    for place, name in enumerate(names):
        shuffled = told.copy()
        shuffled[:, place] = rng.permutation(shuffled[:, place])
        lost[name] = whole - _area(model, shuffled, side)
    ranked = sorted(names, key=lambda name: (-lost[name], name))
    return tuple(name for name in ranked[:_NAMED] if lost[name] > 0.01)
