"""A project's pandera schema: rule by rule, on the rows that each of its rules has to see.

Most rules are about one row: they see a part of the rows at a time. What is unique, what is
converted, and what a function of the project's own says of a column needs that column as a whole;
what such a function says of the table needs all rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandera.api.function_dispatch import Dispatcher
from pandera.errors import SchemaError, SchemaErrors
from pandera.pandas import Check, Column, DataFrameSchema

from activities.modelling.data.parted import Part, Parted
from activities.modelling.validation.violations import Broken, violation
from perennial.authoring import Features
from perennial.contracts.data import Violation

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OF_A_ROW = frozenset(
    {
        "equal_to",
        "not_equal_to",
        "greater_than",
        "greater_than_or_equal_to",
        "less_than",
        "less_than_or_equal_to",
        "in_range",
        "isin",
        "notin",
        "str_matches",
        "str_contains",
        "str_startswith",
        "str_endswith",
        "str_length",
    }
)
"""Pandera's own checks that judge each value by itself."""


_OF_ITS_OWN = {"not_nullable": -3, "field_uniqueness": -2}
"""The order of what pandera looks at before any check that has a number."""


class SchemaChecks:
    """The rules of a schema on rows that go by."""

    def __init__(self, rows: Parted, features: Features, schema: DataFrameSchema) -> None:
        """Begin with no row.

        Args:
            rows: that are going to be looked at.
            features: whose key names them.
            schema: the project's.
        """
        self._rows, self._features = rows, features
        self._places = {name: place for place, name in enumerate(schema.columns)}
        self._columns: dict[str, int] = {}
        self._failures: dict[tuple[str | None, str], _Failure] = {}
        self._of_a_row: DataFrameSchema | None = schema
        self._of_all: list[tuple[DataFrameSchema, list[str] | None]] = []
        if not rows.in_one:
            self._of_a_row, self._of_all = _divided(schema)
        self.count = _count(schema)

    def add(self, part: Part) -> None:
        """Look at some rows."""
        if not self._columns:
            self._columns = {str(name): place for place, name in enumerate(part.frame.columns)}
        if self._of_a_row is not None:
            self._check(self._of_a_row, part.frame, part.start)

    def broken(self) -> Iterator[Violation]:
        """What was found in all rows, the rules in the schema's order."""
        for schema, columns in self._of_all:
            self._check(schema, self._rows.whole(columns), 0)
        for (name, check), found in sorted(self._failures.items(), key=lambda each: each[1].place):
            if found.broken.count:
                what = f"breaks {check} (such as {found.example!r})"
                yield violation(check, name, found.broken, what, self._rows, self._features)
            else:  # a rule on the column or table as a whole: a missing column, a wrong type
                message = f"{name or 'the table'} breaks {check}: found {found.example}"
                yield Violation(check=check, column=name, count=1, message=message)

    def _check(self, schema: DataFrameSchema, frame: pd.DataFrame, start: int) -> None:
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            errors = error.schema_errors
        else:
            return
        for each in errors:
            cases = each.failure_cases
            if not isinstance(cases, pd.DataFrame):
                self._failure(each, each.schema.name).as_a_whole(cases)
            elif "column" in cases:
                for column, some in cases.groupby("column", sort=False):
                    self._failure(each, column).add(start, len(frame), some)
            else:
                column = each.schema.name if each.column_name is None else each.column_name
                self._failure(each, column).add(start, len(frame), cases)

    def _failure(self, error: SchemaError, column: object) -> _Failure:
        name = None if column is None else str(column)
        check = _named(error.check)
        found = self._failures.get((name, check))
        if found is None:
            of_the_table = isinstance(error.schema, DataFrameSchema)
            places = self._columns if of_the_table else self._places
            place = -1 if name is None else places.get(name, len(places))
            number = _OF_ITS_OWN.get(check, -1)
            if error.check_index is not None:
                number = int(error.check_index)
            order = (0, number, place) if of_the_table else (1, place, number)
            found = self._failures[name, check] = _Failure(order, check.startswith("coerce_"))
        return found


def _named(check: object) -> str:
    """What pandera calls it in its own table of failures."""
    if isinstance(check, Check):
        return str(check.error or check.name or check)
    return str(check)


class _Failure:
    """Rows that break one rule, or that a column or the table does as a whole.

    Attributes:
        example: of a value that breaks it, the first one.
    """

    def __init__(self, order: tuple[int, int, int], converts: bool) -> None:
        self._order, self._converts = order, converts
        self.broken = Broken()
        self.example: object = None

    @property
    def place(self) -> tuple[int, bool, bool, tuple[int, int, int]]:
        """Among others: the table's before the columns', values before columns as a whole."""
        return self._order[0], not self.broken.count, not self._converts, self._order

    def as_a_whole(self, found: object) -> None:
        if self.example is None:
            self.example = _plain(found)

    def add(self, start: int, count: int, cases: pd.DataFrame) -> None:
        index = pd.to_numeric(cases["index"], errors="coerce").to_numpy(dtype=np.float64)
        known = np.isfinite(index)
        values = cases["failure_case"]
        if not known.any():
            if len(values):
                self.as_a_whole(values.iloc[0])
            return
        if not self.broken.count:
            self.example = _plain(values.iloc[int(np.nanargmin(index))])
        bad: NDArray[np.bool_] = np.zeros(count, dtype=bool)
        bad[index[known].astype(np.intp)] = True
        self.broken.add(start, bad)


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _count(schema: DataFrameSchema) -> int:
    """Rules in a schema: for each column that it is there, its type, and each check."""
    columns = schema.columns.values()
    return len(schema.checks) + sum(
        1 + (column.dtype is not None) + len(column.checks) for column in columns
    )


def _divided(
    schema: DataFrameSchema,
) -> tuple[DataFrameSchema | None, list[tuple[DataFrameSchema, list[str] | None]]]:
    """What may see a part of the rows at a time, and what must see all rows of which columns."""
    single = {
        name: column
        for name, column in schema.columns.items()
        if schema.coerce or not _judges_rows(column)
    }
    if _needs_the_table(schema, single):
        return None, [(schema, None)]
    of_all: list[tuple[DataFrameSchema, list[str] | None]] = [
        (DataFrameSchema({name: column}, coerce=schema.coerce), [name])
        for name, column in single.items()
    ]
    if schema.unique:
        together = DataFrameSchema(unique=schema.unique, report_duplicates=schema.report_duplicates)
        of_all.append((together, list(schema.unique)))
    of_a_row = DataFrameSchema(
        {
            name: Column(required=column.required, nullable=True) if name in single else column
            for name, column in schema.columns.items()
        },
        checks=schema.checks,
        strict=schema.strict,
        name=schema.name,
        ordered=schema.ordered,
        unique_column_names=schema.unique_column_names,
    )
    return of_a_row, of_all


def _needs_the_table(schema: DataFrameSchema, single: dict[str, Column]) -> bool:
    return (
        type(schema) is not DataFrameSchema
        or bool(schema.parsers)
        or schema.index is not None
        or schema.dtype is not None
        or schema.add_missing_columns
        or not all(_judges_a_row(check) for check in schema.checks)
        or (bool(schema.checks) and any(schema.coerce or each.coerce for each in single.values()))
        or any(each.regex for each in single.values())
        or any(check.groupby is not None for each in single.values() for check in each.checks)
    )


def _judges_rows(column: Column) -> bool:
    return (
        type(column) is Column
        and not (column.unique or column.coerce or column.parsers)
        and column.default is None
        and all(_judges_a_row(check) for check in column.checks)
    )


def _judges_a_row(check: object) -> bool:
    if not isinstance(check, Check) or type(check) is not Check:  # such as a hypothesis
        return False
    if check.groupby is not None or check.n_failure_cases is not None:
        return False
    function = check._check_fn
    known = isinstance(function, Dispatcher) and function.__name__ in _OF_A_ROW
    return known or bool(check.element_wise)
