"""Judge the rows of a snapshot: the project's schema, and what every task needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling import leaks, learnt
from activities.modelling.labels_told import class_counts, contradictions
from activities.modelling.labels_told import warnings as label_warnings
from activities.modelling.projects import Project
from activities.modelling.split import split_rows
from activities.modelling.values import as_text
from activities.modelling.violations import NAMED, violation
from perennial.authoring import Features
from perennial.contracts.data import DataValidation, ProfileSummary, Violation
from perennial.contracts.data_plan import DataPlan
from perennial.contracts.spec import Split, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandera.pandas import DataFrameSchema

_VIOLATIONS = 50


def validate(
    frame: pd.DataFrame,
    project: Project,
    task: Task,
    plan: DataPlan = DataPlan(),
    split: Split | None = None,
    seed: int = 0,
    reference: ProfileSummary | None = None,
) -> DataValidation:
    """Every broken rule at once, and what people should know of the rows.

    Args:
        frame: the rows.
        project: whose they are.
        task: that they are for.
        plan: what the spec asks of them.
        split: how rows will be held out; without it nothing is said of that.
        seed: of the split.
        reference: of the rows before, if there were any.

    Raises:
        ProjectInvalid: schema() or one of its checks raised.
        SpecInvalid: the split is by a time that the project does not name.
        SourceInvalid: there are too few rows to hold some out.
    """
    features = project.features()
    with project.calling("schema"):
        schema = project.own.schema()
        failed = [] if schema is None else _schema_failures(frame, schema, features)
    violations = [*_standing(frame, features, task, plan), *failed]
    learnt_checks = 0
    if plan.learnt is not None and reference is not None:
        violations += learnt.broken(frame, features, reference, plan.learnt)
        learnt_checks = 1 + learnt.CHECKS * (len(features.inputs) + 1)
    told = _Told() if violations else _tell(frame, features, task, plan, split, seed)
    violations += told.violations
    return DataValidation(
        passed=not violations,
        rows=len(frame),
        checks=_STANDING_CHECKS
        + learnt_checks
        + (2 if split is not None else 0)
        + (0 if schema is None else _count(schema)),
        violations=tuple(violations[:_VIOLATIONS]),
        warnings=tuple(told.warnings),
        classes={} if task == "regression" else class_counts(frame, features),
        contradictions=told.contradictions,
        shared_rows=told.shared,
    )


@dataclass
class _Told:
    """What is looked at where nothing else is wrong."""

    violations: list[Violation] = field(default_factory=list)
    warnings: list[Violation] = field(default_factory=list)
    contradictions: float | None = None
    shared: float | None = None


def _tell(
    frame: pd.DataFrame,
    features: Features,
    task: Task,
    plan: DataPlan,
    split: Split | None,
    seed: int,
) -> _Told:
    told = _Told()
    if task != "regression":
        disagreeing = contradictions(frame, features)
        told.contradictions = float(disagreeing.mean())
        told.warnings += label_warnings(frame, features, class_counts(frame, features), disagreeing)
    if split is None:
        return told
    rows = split_rows(frame, features, split, seed)
    late = leaks.out_of_order(frame, features, rows, split)
    if late is not None:
        (told.violations if split.by == "time" else told.warnings).append(late)
    shared = leaks.shared_rows(frame, features, rows)
    told.shared = float(shared[rows.test].mean())
    if shared.any():
        what = f"of held-out rows are equal to rows that are trained on ({told.shared:.1%})"
        found = violation("no_shared_rows", None, shared, what, frame, features)
        refused = plan.shared_rows is not None and told.shared > plan.shared_rows
        (told.violations if refused else told.warnings).append(found)
    return told


_STANDING_CHECKS = 9


def _standing(
    frame: pd.DataFrame, features: Features, task: Task, plan: DataPlan
) -> Iterator[Violation]:
    def broken(check: str, column: str, bad: NDArray[np.bool_], what: str) -> Violation:
        return violation(check, column, bad, what, frame, features)

    target = frame[features.target]
    unknown = target.isna().to_numpy()
    if unknown.any():
        yield broken("target_known", features.target, unknown, "is missing (NaN)")
    if task == "regression":
        strange = (pd.to_numeric(target, errors="coerce").isna() & target.notna()).to_numpy()
        for check, bad, what in (
            ("target_number", strange, "is no number"),
            ("target_finite", _infinite(target), "is infinite"),
        ):
            if bad.any():
                yield broken(check, features.target, bad, what)
    else:
        yield from _classes(target, features, task)
    if features.key is not None:
        keys = frame[features.key]
        repeated = (keys.duplicated(keep=False) | keys.isna()).to_numpy()
        if repeated.any():
            yield broken("key_unique", features.key, repeated, "is missing or not unique")
    if features.time is not None:
        untimed = frame[features.time].isna().to_numpy()
        if untimed.any():
            yield broken("time_known", features.time, untimed, "is missing")
        yield from _future(frame, features, features.time)
    for name in features.numbers:
        infinite = _infinite(frame[name])
        if infinite.any():
            yield broken("finite", name, infinite, "is infinite")
    for name in features.inputs:
        column = frame[name]
        if column.isna().all():
            yield broken("not_empty", name, column.isna().to_numpy(), "is missing")
    yield from leaks.telling_columns(frame, features, task, plan.may_tell_target)


def _future(frame: pd.DataFrame, features: Features, name: str) -> Iterator[Violation]:
    """A day of grace: a time without a zone may be of one that is ahead."""
    moments = pd.to_datetime(frame[name], utc=True)
    ahead = (moments - pd.Timestamp.now(tz="UTC")) / pd.Timedelta(days=1)
    future = (ahead > 1).to_numpy()
    if future.any():
        badness: NDArray[np.float64] = np.asarray(ahead, dtype=np.float64)
        what = "is in the future"
        yield violation("time_past", name, future, what, frame, features, badness=badness)


def _classes(target: pd.Series, features: Features, task: Task) -> Iterator[Violation]:
    found = sorted(set(as_text(target.dropna())))
    if (task == "binary" and len(found) != 2) or len(found) < 2:
        wanted = "two classes" if task == "binary" else "two classes or more"
        shown = ", ".join(found[:NAMED]) + (", ..." if len(found) > NAMED else "")
        yield Violation(
            check="classes",
            column=features.target,
            count=len(found),
            message=f"{features.target} has {len(found)} classes ({shown or 'none'}), but a "
            f"{task} task needs {wanted}",
        )


def _infinite(column: pd.Series) -> NDArray[np.bool_]:
    if not pd.api.types.is_float_dtype(column):
        return np.zeros(len(column), dtype=bool)
    infinite: NDArray[np.bool_] = np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return infinite


def _schema_failures(
    frame: pd.DataFrame, schema: DataFrameSchema, features: Features
) -> list[Violation]:
    from pandera.errors import SchemaErrors

    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        failures = error.failure_cases
    else:
        return []
    violations = []
    for (column, check), cases in failures.groupby(["column", "check"], dropna=False, sort=False):
        name = None if pd.isna(column) else str(column)
        bad = np.zeros(len(frame), dtype=bool)
        positions = pd.to_numeric(cases["index"], errors="coerce").dropna().astype(int)
        bad[positions] = True
        example = cases["failure_case"].iloc[0]
        if bad.any():
            what = f"breaks {check} (such as {example!r})"
            violations.append(violation(str(check), name, bad, what, frame, features))
        else:  # a rule on the column or table as a whole: a missing column, a wrong type
            message = f"{name or 'the table'} breaks {check}: found {example}"
            violations.append(Violation(check=str(check), column=name, count=1, message=message))
    return violations


def _count(schema: DataFrameSchema) -> int:
    """Rules in a schema: for each column that it is there, its type, and each check."""
    columns = schema.columns.values()
    return len(schema.checks) + sum(
        1 + (column.dtype is not None) + len(column.checks) for column in columns
    )
