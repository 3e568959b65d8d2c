"""What was answered by whom since this process began: counts that only grow."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import numpy as np

from perennial.contracts.serving import COUNTS, LATENCIES, Deployment, Tally, Variant

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ENTITIES = 20_000
"""Of a deployment that are told apart: enough to see that some are missing, in few megabytes."""
_PARTS = 10
"""Of the range of a probability."""
_LOWEST, _OCTAVES = -8, 32
"""Numbers from 2**-8 to 2**24 are told apart, on either side of nought."""
_QUARTERS = tuple(2 ** (quarter / 4 - 1) for quarter in (1, 2, 3))
"""Of an octave: where a number is a fifth larger, its category is another."""
_STEPS = 4 * _OCTAVES


class _Counts:
    def __init__(self) -> None:
        self.requests = self.errors = self.slow = self.refused = 0
        self.compared = self.disagreed = self.missed = self.logged = self.lost = 0
        self.entities = 0
        self.answers: list[int] = []
        self.latencies = [0] * (len(LATENCIES) + 1)


class Counting:
    """Counts by variant of a deployment. All calls come from one thread, the event loop's."""

    def __init__(self) -> None:
        self.turned_away = 0
        """Requests that found no room and were told to come back, of whatever model."""
        self._counts: dict[tuple[str, int, str], tuple[Variant, _Counts]] = {}
        self._met: dict[tuple[str, int], set[int]] = {}

    def answered(
        self,
        deployment: Deployment,
        variant: Variant,
        seconds: float,
        answer: NDArray[np.float32] | None,
        entity: bytes | None = None,
    ) -> None:
        """Count one request.

        Args:
            deployment: by which it was answered.
            variant: who did.
            seconds: it took.
            answer: `[rows, classes]` or `[rows, 1]`; None where the variant failed.
            entity: whose value decided that; None where there is none.
        """
        counts = self._of(deployment, variant)
        if entity is not None:
            self._meet(deployment, counts, entity)
        counts.requests += 1
        counts.slow += seconds > deployment.slow_seconds
        counts.latencies[bisect_left(LATENCIES, seconds)] += 1
        if answer is None:
            counts.errors += 1
            return
        if not counts.answers:
            counts.answers = [0] * _categories(answer)
        if len(answer) == 1:  # nearly all requests are, and numpy's calls cost more than this
            counts.answers[_category(answer[0].tolist())] += 1
        else:
            for place, count in enumerate(_by_category(answer).tolist()):
                counts.answers[place] += count

    def refused(
        self, deployment: Deployment, variant: Variant, entity: bytes | None = None
    ) -> None:
        """Count one request that a variant could not read."""
        counts = self._of(deployment, variant)
        if entity is not None:
            self._meet(deployment, counts, entity)
        counts.requests += 1
        counts.refused += 1

    def compared(self, deployment: Deployment, variant: Variant, rows: int, disagreed: int) -> None:
        """Count rows of a copy that the champion and a variant have answered."""
        counts = self._of(deployment, variant)
        counts.compared += rows
        counts.disagreed += disagreed

    def missed(self, deployment: Deployment, variant: Variant) -> None:
        """Count one copy that found no room."""
        self._of(deployment, variant).missed += 1

    def logged(self, deployment: Deployment, variant: Variant, rows: int) -> None:
        """Count rows that are in the log of requests."""
        self._of(deployment, variant).logged += rows

    def lost(self, deployment: Deployment, variant: Variant, rows: int) -> None:
        """Count rows that should be in it, and are not."""
        self._of(deployment, variant).lost += rows

    def serves(self, deployment: Deployment) -> None:
        """Count a deployment's variants from now on, and those of the ones before it to the end.

        Of the deployment before, requests are still under way; those of older ones are over, and
        have been reported.
        """
        for variant in deployment.variants:
            self._of(deployment, variant)
        epochs = sorted({epoch for name, epoch, _ in self._counts if name == deployment.model})
        for key in [key for key in self._counts if key[0] == deployment.model]:
            if key[1] in epochs[:-2]:
                self._forget(key)

    def drop(self, model: str) -> None:
        """Count a model no more."""
        for key in [key for key in self._counts if key[0] == model]:
            self._forget(key)

    def tallies(self) -> tuple[Tally, ...]:
        """What was counted so far."""
        return tuple(
            Tally(
                model=model,
                epoch=epoch,
                variant=name,
                version=variant.version,
                sha256=variant.onnx.sha256,
                answers=tuple(counts.answers),
                latencies=tuple(counts.latencies),
                entities=counts.entities,
                **{count: getattr(counts, count) for count in COUNTS},
            )
            for (model, epoch, name), (variant, counts) in self._counts.items()
        )

    def _meet(self, deployment: Deployment, counts: _Counts, entity: bytes) -> None:
        """Count an entity that was not met before; by a digest, since its name is nobody's here."""
        met = self._met.setdefault((deployment.model, deployment.epoch), set())
        if (known := hash(entity)) not in met and len(met) < _ENTITIES:
            met.add(known)
            counts.entities += 1

    def _forget(self, key: tuple[str, int, str]) -> None:
        del self._counts[key]
        self._met.pop(key[:2], None)

    def _of(self, deployment: Deployment, variant: Variant) -> _Counts:
        key = deployment.model, deployment.epoch, variant.name
        if (found := self._counts.get(key)) is None:
            found = self._counts[key] = variant, _Counts()
        return found[1]


def _categories(answer: NDArray[np.float32]) -> int:
    classes: int = answer.shape[1]
    # the range of a regression is not known here, and all processes and versions need the same
    return _PARTS if classes == 2 else classes if classes > 2 else 2 * _STEPS + 1


def _category(row: list[float]) -> int:
    """Where one row belongs, as `_by_category` has it."""
    if len(row) == 2:
        return min(max(int(row[1] * _PARTS), 0), _PARTS - 1)
    if len(row) == 1:
        part, octave = math.frexp(row[0])
        step = 4 * (octave - 1 - _LOWEST) + bisect_right(_QUARTERS, abs(part)) + 1
        step = min(max(step, 0), _STEPS) if part else 0
        return _STEPS + (step if part > 0 else -step)
    return row.index(max(row))


def _by_category(answer: NDArray[np.float32]) -> NDArray[np.int64]:
    classes = answer.shape[1]
    if classes == 2:
        places = np.minimum((answer[:, 1].astype(np.float64) * _PARTS).astype(np.int64), _PARTS - 1)
        return np.bincount(np.maximum(places, 0), minlength=_PARTS)
    if classes == 1:
        parts, octaves = np.frexp(answer[:, 0])
        steps = 4 * (octaves - 1 - _LOWEST) + np.searchsorted(_QUARTERS, np.abs(parts), "right") + 1
        steps = np.where(parts == 0, 0, np.clip(steps, 0, _STEPS))
        return np.bincount(_STEPS + np.where(parts < 0, -steps, steps), minlength=2 * _STEPS + 1)
    return np.bincount(answer.argmax(axis=1), minlength=classes)
