"""What was answered by whom, in windows that an analysis can add up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from perennial.contracts.serving import Deployment, Variant, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PARTS = 10
"""Of the range of a probability."""


class _Counts:
    def __init__(self, categories: int) -> None:
        self.requests = self.errors = self.slow = 0
        self.answers = np.zeros(categories, dtype=np.int64)


class Counting:
    """The window that is open now. All calls come from one thread, the event loop's."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._began = datetime.now(UTC)
        self._open: dict[tuple[str, int, str], tuple[Deployment, Variant, _Counts]] = {}

    def answered(
        self,
        deployment: Deployment,
        variant: Variant,
        seconds: float,
        answer: NDArray[np.float32] | None,
    ) -> None:
        """Count one request.

        Args:
            deployment: by which it was answered.
            variant: who did.
            seconds: it took.
            answer: `[rows, classes]` or `[rows, 1]`; None where the variant failed.
        """
        key = deployment.model, deployment.epoch, variant.name
        if (found := self._open.get(key)) is None:
            found = deployment, variant, _Counts(0 if answer is None else _categories(answer))
            self._open[key] = found
        counts = found[2]
        counts.requests += 1
        counts.slow += seconds > deployment.slow_seconds
        if answer is None:
            counts.errors += 1
            return
        if not len(counts.answers):
            counts.answers = np.zeros(_categories(answer), dtype=np.int64)
        if len(counts.answers):
            counts.answers += _by_category(answer)

    def close(self) -> list[Window]:
        """What was counted since the last call."""
        began, self._began = self._began, datetime.now(UTC)
        opened, self._open = self._open, {}
        return [
            Window(
                process=self._process,
                model=deployment.model,
                environment=deployment.environment,
                epoch=deployment.epoch,
                variant=variant.name,
                version=variant.version,
                began=began,
                requests=counts.requests,
                errors=counts.errors,
                slow=counts.slow,
                answers=tuple(counts.answers.tolist()),
            )
            for deployment, variant, counts in opened.values()
        ]


def _categories(answer: NDArray[np.float32]) -> int:
    """None for a regression, whose range is not known here."""
    classes: int = answer.shape[1]
    return _PARTS if classes == 2 else classes if classes > 2 else 0


def _by_category(answer: NDArray[np.float32]) -> NDArray[np.int64]:
    classes = answer.shape[1]
    if classes == 2:
        places = np.minimum((answer[:, 1] * _PARTS).astype(np.int64), _PARTS - 1)
        return np.bincount(np.maximum(places, 0), minlength=_PARTS)
    return np.bincount(answer.argmax(axis=1), minlength=classes)
