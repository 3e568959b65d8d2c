"""Judge the rows of a snapshot: the project's schema, and what every task needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.projects import Project
from activities.modelling.values import as_text, row_names
from perennial.authoring import Features
from perennial.contracts.data import DataValidation, Violation
from perennial.contracts.spec import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandera.pandas import DataFrameSchema

_NAMED = 10
_VIOLATIONS = 50
_FEWEST_ROWS = 10


def validate(frame: pd.DataFrame, project: Project, task: Task) -> DataValidation:
    """Every broken rule at once.

    Raises:
        ProjectInvalid: schema() or one of its checks raised.
    """
    features = project.features()
    with project.calling("schema"):
        schema = project.own.schema()
        broken = [] if schema is None else _schema_failures(frame, schema, features)
    violations = [*_standing(frame, features, task), *broken]
    return DataValidation(
        passed=not violations,
        rows=len(frame),
        checks=_STANDING_CHECKS + (0 if schema is None else _count(schema)),
        violations=tuple(violations[:_VIOLATIONS]),
    )


_STANDING_CHECKS = 7


def _standing(frame: pd.DataFrame, features: Features, task: Task) -> Iterator[Violation]:
    def broken(check: str, column: str, bad: NDArray[np.bool_], what: str) -> Violation:
        return _violation(check, column, bad, what, frame, features)

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
    for name in features.numbers:
        infinite = _infinite(frame[name])
        if infinite.any():
            yield broken("finite", name, infinite, "is infinite")
    for name in features.inputs:
        column = frame[name]
        if column.isna().all():
            yield broken("not_empty", name, column.isna().to_numpy(), "is missing")
        elif _tells_the_target(column, target, task):
            every = np.ones(len(frame), dtype=bool)
            yield _violation(
                "no_leak", name, every, "is the target under another name", frame, features, rows=0
            )


def _classes(target: pd.Series, features: Features, task: Task) -> Iterator[Violation]:
    found = sorted(set(as_text(target.dropna())))
    if (task == "binary" and len(found) != 2) or len(found) < 2:
        wanted = "two classes" if task == "binary" else "two classes or more"
        shown = ", ".join(found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
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


def _tells_the_target(column: pd.Series, target: pd.Series, task: Task) -> bool:
    """Whether a feature is the target, or the target with its classes renamed."""
    if len(column) < _FEWEST_ROWS or target.isna().any():
        return False  # with few rows it may well be chance
    if task == "regression":
        return bool((column == target).all())
    return bool(np.array_equal(pd.factorize(column)[0], pd.factorize(target)[0]))


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
            violations.append(_violation(str(check), name, bad, what, frame, features))
        else:  # a rule on the column or table as a whole: a missing column, a wrong type
            message = f"{name or 'the table'} breaks {check}: found {example}"
            violations.append(Violation(check=str(check), column=name, count=1, message=message))
    return violations


def _violation(
    check: str,
    column: str | None,
    bad: NDArray[np.bool_],
    what: str,
    frame: pd.DataFrame,
    features: Features,
    rows: int = _NAMED,
) -> Violation:
    count = int(bad.sum())
    names = row_names(frame, features.key, np.flatnonzero(bad)[:rows])
    where = ": " + ", ".join(names) + (", ..." if count > len(names) else "") if names else ""
    return Violation(
        check=check,
        column=column,
        count=count,
        rows=names,
        message=f"{column or 'the table'} {what} in {count:,} of {len(frame):,} rows{where}",
    )


def _count(schema: DataFrameSchema) -> int:
    """Rules in a schema: for each column that it is there, its type, and each check."""
    columns = schema.columns.values()
    return len(schema.checks) + sum(
        1 + (column.dtype is not None) + len(column.checks) for column in columns
    )
