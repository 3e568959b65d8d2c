"""A window's answers beside the labels that there are by now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pandas as pd

from activities.modelling.evidence.groups import apart
from activities.modelling.evidence.metrics import measure_some
from activities.modelling.labels.concept import concept_drift
from activities.modelling.labels.errors import Errors, in_order, to_keep
from activities.modelling.labels.truths import class_numbers, numbers
from activities.modelling.projects import Project
from activities.modelling.requests.answers_log import PLACE, Answers
from activities.modelling.values import as_text
from perennial.analysis.promising import between, covered, enough, judge_quality
from perennial.contracts.base import Metrics
from perennial.contracts.concept import WindowErrors
from perennial.contracts.labels import JoinedLabel
from perennial.contracts.monitoring import GroupQuality, JudgeQuality, QualityJudged
from perennial.contracts.spec import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCKS = 20
_SAMPLE = 10_000
"""Rows that deviations are measured on: of more rows, every so-many-th."""
_GROUPS = 20
"""Values of a column that are told, those with most rows first."""


@dataclass(frozen=True)
class Labelled:
    """The rows of a window that have a label, in order of time.

    Attributes:
        frame: of `Answers`.
        truth: class numbers or values `[rows]`.
        scores: as in `Answers`.
        rows: that the window has, with and without labels.
        unreadable: labels that say nothing to this model.
        unread: some of their values.
        odd: labels whose answer is no number.
    """

    frame: pd.DataFrame
    truth: NDArray[np.generic]
    scores: NDArray[np.float64]
    rows: int
    unreadable: int
    unread: tuple[str, ...]
    odd: int


class Measured(NamedTuple):
    """A window, measured.

    Attributes:
        judged: what is told of it.
        errors: what is kept of its errors, for the windows after it; None below the floors.
    """

    judged: QualityJudged
    errors: WindowErrors | None = None


def join(answers: Answers, labels: Sequence[JoinedLabel]) -> Labelled:
    """Put each label to its row. Of two labels of one row that counts which became known last."""
    known = pd.DataFrame(
        {
            "request_id": [label.request_id for label in labels],
            "row": np.array([label.row for label in labels], dtype=np.int32),
            "at": _instants([label.request_at for label in labels]),
            "label": np.arange(len(labels)),
            "known": _instants([label.at for label in labels]),
        }
    )
    known = known.sort_values(["known", "label"]).drop_duplicates(PLACE, keep="last")
    places = answers.frame[PLACE].assign(place=np.arange(len(answers.frame)))
    joined = places.drop_duplicates(PLACE).merge(known, on=PLACE).sort_values("place")
    place, values = joined["place"].to_numpy(), [labels[i].value for i in joined["label"]]
    truth: NDArray[np.generic]
    if answers.classes:
        truth = class_numbers(values, answers.classes)
        sound = truth >= 0
    else:
        truth = numbers(values)
        sound = np.isfinite(truth)
    unread = sorted({repr(value) for value, fine in zip(values, sound, strict=True) if not fine})
    unreadable, scores = int((~sound).sum()), answers.scores[place]
    sound &= np.isfinite(np.atleast_2d(scores.T)).all(axis=0)
    return Labelled(
        frame=answers.frame.iloc[place[sound]],
        truth=truth[sound],
        scores=scores[sound],
        rows=len(places),
        unreadable=unreadable,
        unread=tuple(unread[:3]),
        odd=int((~sound).sum()) - unreadable,
    )


def _instants(times: Sequence[datetime]) -> pd.Series:
    return pd.Series(times, dtype="datetime64[us, UTC]")


def judge(
    answers: Answers | None,
    labels: Sequence[JoinedLabel],
    input: JudgeQuality,
    project: Project,
    earlier: Sequence[WindowErrors] = (),
) -> Measured:
    """What labels say of a window.

    Args:
        answers: of the champion within it; None where it answered nothing.
        labels: of the window's requests.
        input: limits, what was promised, and which metric counts.
        project: of the model.
        earlier: errors of the champion's windows before it, oldest first.
    """
    plan, monitored = input.plan, input.monitored
    if answers is None:
        nothing = enough(0, 0, plan)
        return Measured(QualityJudged(rows=0, labelled=0, verdict="no_data", reason=nothing))
    joined = join(answers, labels)
    count, notes = len(joined.truth), _notes(joined, answers)
    if few := enough(joined.rows, count, plan):
        # with those that cannot be read there would be enough: whoever sends them has to look
        broken = not enough(joined.rows, count + joined.unreadable, plan)
        judged = QualityJudged(
            rows=joined.rows,
            labelled=count,
            verdict="error" if broken else "no_data",
            reason="; ".join([few, *notes]),
        )
        return Measured(judged)
    task = cast(Task, monitored.task)
    metrics, problem = measure_some(task, joined.truth, joined.scores, project)
    if task != "regression" and len(set(joined.truth.tolist())) < 2:
        notes.append(f"all {count:,} labels are of one class")
    if problem:
        notes.append(problem)
    for column in plan.groups:
        metrics |= _apart(task, joined, column, plan.rows)
    deviations = deviations_of(task, joined.truth, joined.scores, project)
    kept = judge_quality(
        metrics,
        monitored.promised,
        deviations,
        plan,
        primary=monitored.primary,
        goal=monitored.goal,
    )
    groups = _groups(task, joined, input, project)
    spread = [_spread(monitored.primary, column, groups) for column in plan.groups]
    errors = _errors(task, joined)
    judged = QualityJudged(
        rows=joined.rows,
        labelled=count,
        metrics=metrics,
        promised=monitored.promised,
        deviation=deviations.get(monitored.primary),
        groups=groups,
        concept=concept_drift(errors, earlier, plan.concept),
        verdict=kept.verdict,
        reason="; ".join([kept.reason, *filter(None, spread), covered(joined.rows, count), *notes]),
        excess=kept.excess,
    )
    return Measured(judged, to_keep(errors))


def _errors(task: Task, joined: Labelled) -> Errors:
    """Wrong classes, or how far numbers are off."""
    if task == "regression":
        errors = np.abs(joined.scores - joined.truth.astype(np.float64))
    else:
        errors = (joined.scores.argmax(axis=1) != joined.truth).astype(np.float64)
    return in_order(errors, joined.frame["at"])


def deviations_of(
    task: Task, truth: NDArray[np.generic], scores: NDArray[np.float64], project: Project
) -> Metrics:
    """How far each figure is off by chance: the delete-a-group jackknife over blocks of time.

    Rows of one request, or of one hour, resemble each other; blocks that follow each other in time
    take that into account, where rows drawn one by one would not.

    Source: Shao and Tu, "The Jackknife and Bootstrap", Springer 1995, section 5.5 (groups).

    Args:
        task: what is predicted.
        truth: class numbers or values `[rows]`, in order of time.
        scores: probabilities `[rows, classes]`, or predictions `[rows]`.
        project: adds figures of its own.

    Returns:
        Deviations by name. A figure that means nothing without some block has none.
    """
    rows = len(truth)
    step = -(-rows // _SAMPLE)
    some_truth, some_scores = truth[::step], scores[::step]
    sample = len(some_truth)
    if sample < 2 * _BLOCKS:
        return {}
    block = np.arange(sample) * _BLOCKS // sample
    without = [
        measure_some(task, some_truth[block != each], some_scores[block != each], project)[0]
        for each in range(_BLOCKS)
    ]
    shared = set.intersection(*(set(found) for found in without))
    found = {}
    for name in sorted(shared):
        values = np.array([each[name] for each in without])
        variance = (_BLOCKS - 1) / _BLOCKS * ((values - values.mean()) ** 2).sum()
        found[name] = float(np.sqrt(variance * sample / rows))
    return found


def _groups(
    task: Task, joined: Labelled, input: JudgeQuality, project: Project
) -> tuple[GroupQuality, ...]:
    found = []
    for column in input.plan.groups:
        if column not in joined.frame:
            continue
        values = as_text(joined.frame[column])
        names, counts = np.unique(values.astype(str), return_counts=True)
        largest = sorted(zip(-counts, names, strict=True))[:_GROUPS]
        for size, name in largest:
            if -size < input.plan.rows:
                break
            mine = values == name
            metrics, _ = measure_some(task, joined.truth[mine], joined.scores[mine], project)
            group = f"{column}={name}"
            found.append(GroupQuality(group=group, rows=int(-size), metrics=metrics))
    return tuple(found)


def _apart(task: Task, joined: Labelled, column: str, smallest: int) -> Metrics:
    """Fairness between the groups of a column that are told, as the evidence has it."""
    if column not in joined.frame:
        return {}
    values = as_text(joined.frame[column]).astype(str)
    names, counts = np.unique(values, return_counts=True)
    told = [name for count, name in sorted(zip(-counts, names, strict=True)) if -count >= smallest]
    if len(told) < 2:
        return {}
    some = np.isin(values, told[:_GROUPS])
    found = apart(task, joined.truth[some], joined.scores[some], values[some])
    return {between(measure, column): value for measure, value in found.items()}


def _spread(primary: str, column: str, groups: Sequence[GroupQuality]) -> str:
    """Between which groups of a column the primary metric differs most."""
    mine = [g for g in groups if g.group.startswith(f"{column}=") and primary in g.metrics]
    if len(mine) < 2:
        return ""
    low, *_, high = sorted(mine, key=lambda group: group.metrics[primary])
    return (
        f"{primary} by {column} is from {low.metrics[primary]:.4g} ({low.group}) to "
        f"{high.metrics[primary]:.4g} ({high.group})"
    )


def _notes(joined: Labelled, answers: Answers) -> list[str]:
    notes = [f"the model is not asked with a column {name}" for name in answers.missing]
    if joined.unreadable:
        what = f"no class of the model ({', '.join(answers.classes[:5])})"
        notes.append(
            f"{joined.unreadable:,} more labels cannot be used: they are "
            f"{what if answers.classes else 'no number'}, such as {', '.join(joined.unread)}"
        )
    if joined.odd:
        notes.append(f"{joined.odd:,} labelled answers are no numbers")
    return notes
