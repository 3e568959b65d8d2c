"""The target of all rows, looked at before anything else: what is missing, and the classes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.data.parted import Parted
from activities.modelling.validation.violations import NAMED, Broken, violation
from activities.modelling.values import as_text, infinite
from perennial.authoring import Features
from perennial.contracts.data import Violation
from perennial.contracts.spec import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_CLASSES = 1 << 20
"""Their names and counts are in memory; a target with more of them is refused."""
_CLASSES_TOLD = 20


class Target:
    """What is known of the target.

    Attributes:
        missing: rows without one.
        guessed: of a classification, rows that are not of the most frequent class.
        too_many: of a classification, whether there are so many classes that they were not counted.
    """

    def __init__(self, rows: Parted, features: Features, task: Task) -> None:
        """Read it.

        Args:
            rows: that have it.
            features: what it is called.
            task: what it is for.
        """
        self.missing = Broken()
        self._strange, self._infinite = Broken(), Broken()
        self._name, self._task = features.target, task
        self._codes: dict[Hashable, int] = {}
        self._texts: list[str] = []
        self._often: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.too_many = False
        for part in rows.parts([features.target]):
            column = part.frame[features.target]
            self.missing.add(part.start, column.isna().to_numpy())
            if task == "regression":
                strange = pd.to_numeric(column, errors="coerce").isna() & column.notna()
                self._strange.add(part.start, strange.to_numpy())
                self._infinite.add(part.start, infinite(column))
            elif not self.too_many:
                self._count(column)
        self.guessed = int(self._often.sum() - self._often.max()) if len(self._often) else 0

    @property
    def classes(self) -> int:
        """How many different values there are."""
        return len(self._codes)

    def codes(self, column: pd.Series) -> NDArray[np.intp]:
        """Which class each row is of, by the order in which classes appear; -1 where it has none.

        Args:
            column: the target of some of the rows.
        """
        here, distinct = pd.factorize(column)
        known = [self._codes[value] for value in distinct]
        codes: NDArray[np.intp] = np.array([*known, -1], dtype=np.intp)[here]
        return codes

    def _count(self, column: pd.Series) -> None:
        here, distinct = pd.factorize(column)
        new = [place for place, value in enumerate(distinct) if value not in self._codes]
        if len(self._codes) + len(new) > _MOST_CLASSES:
            self.too_many = True
            return
        for place in new:
            self._codes[distinct[place]] = len(self._codes)
        self._texts += as_text(pd.Series(distinct[new])).tolist()
        known = here[here >= 0]
        codes = np.array([self._codes[value] for value in distinct], dtype=np.intp)[known]
        often = np.bincount(codes, minlength=len(self._codes))
        often[: len(self._often)] += self._often
        self._often = often

    def class_counts(self) -> dict[str, int]:
        """Rows of each class, the most frequent first, twenty at most."""
        counts = self._by_text()
        told = sorted(counts, key=lambda name: -counts[name])[:_CLASSES_TOLD]
        return {} if self.too_many else {name: counts[name] for name in told}

    def _by_text(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for name, often in zip(self._texts, self._often.tolist(), strict=True):
            counts[name] = counts.get(name, 0) + often
        return counts

    def broken(self, rows: Parted, features: Features) -> Iterator[Violation]:
        """What no target may be."""
        for check, found, what in (
            ("target_known", self.missing, "is missing (NaN)"),
            ("target_number", self._strange, "is no number"),
            ("target_finite", self._infinite, "is infinite"),
        ):
            if found.count:
                yield violation(check, self._name, found, what, rows, features)
        if self._task != "regression":
            yield from self._broken_classes()

    def _broken_classes(self) -> Iterator[Violation]:
        found = sorted(self._by_text())
        wanted = "two classes" if self._task == "binary" else "two classes or more"
        if self.too_many:
            number, wanted = f"more than {_MOST_CLASSES:,}", f"{wanted}, and not so many"
        elif (self._task == "binary" and len(found) != 2) or len(found) < 2:
            number = str(len(found))
        else:
            return
        shown = ", ".join(found[:NAMED]) + (", ..." if len(found) > NAMED else "")
        yield Violation(
            check="classes",
            column=self._name,
            count=len(found),
            message=f"{self._name} has {number} classes ({shown or 'none'}), but a "
            f"{self._task} task needs {wanted}",
        )
