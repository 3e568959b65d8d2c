"""What every task needs of its rows, whatever the project says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from activities.modelling.data.parted import Part, Parted
from activities.modelling.validation.keys import Keys
from activities.modelling.validation.violations import Broken, violation
from activities.modelling.values import infinite
from perennial.authoring import Features
from perennial.contracts.data import Violation

CHECKS = 9
"""With those of the target, and of columns that tell it."""


class Standing:
    """Keys, times and inputs."""

    def __init__(self, rows: Parted, features: Features) -> None:
        """Begin with no row.

        Args:
            rows: that are going to be looked at.
            features: the columns.
        """
        self._rows, self._features = rows, features
        self._keys = Keys(rows, features.key) if features.key is not None else None
        self._now = pd.Timestamp.now(tz="UTC")
        self._untimed, self._future = Broken(), Broken()
        self._infinite = {name: Broken() for name in features.numbers}
        self._missing = {name: Broken() for name in features.inputs}

    def add(self, part: Part) -> None:
        """Look at some rows."""
        start, frame = part.start, part.frame
        if self._keys is not None:
            self._keys.add(start, frame[self._features.key])
        if self._features.time is not None:
            self._time(start, frame[self._features.time])
        for name, broken in self._infinite.items():
            broken.add(start, infinite(frame[name]))
        for name, broken in self._missing.items():
            if broken.count == start:  # all before are missing
                broken.add(start, frame[name].isna().to_numpy())

    def _time(self, start: int, times: pd.Series) -> None:
        """A day of grace: a time without a zone may be of one that is ahead."""
        self._untimed.add(start, times.isna().to_numpy())
        ahead = (pd.to_datetime(times, utc=True) - self._now) / pd.Timedelta(days=1)
        badness = np.asarray(ahead, dtype=np.float64)
        self._future.add(start, badness > 1, badness)

    def broken(self) -> Iterator[Violation]:
        """What was found in all rows."""
        for check, column, broken, what in self._found():
            if broken.count:
                yield violation(check, column, broken, what, self._rows, self._features)
        for name, broken in self._missing.items():
            if broken.count == self._rows.count:
                yield violation("not_empty", name, broken, "is missing", self._rows, self._features)

    def _found(self) -> Iterator[tuple[str, str, Broken, str]]:
        features = self._features
        if self._keys is not None and features.key is not None:
            yield "key_unique", features.key, self._keys.repeated(), "is missing or not unique"
        if features.time is not None:
            yield "time_known", features.time, self._untimed, "is missing"
            yield "time_past", features.time, self._future, "is in the future"
        for name, broken in self._infinite.items():
            yield "finite", name, broken, "is infinite"
