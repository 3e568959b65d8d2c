"""Every request counts once, for the variant that answered it, and counts only grow."""

from __future__ import annotations

import numpy as np
import pytest

import serving.counting
from perennial.contracts.serving import LATENCIES, WHOLE, Deployment, Variant
from serving.counting import Counting
from tests import samples

CHAMPION = Variant(name="champion", version=3, onnx=samples.blob("a"), weight=WHOLE)
DEPLOYMENT = Deployment(
    model="m", environment="production", epoch=4, slow_seconds=0.05, variants=(CHAMPION,)
)


def probabilities(*of_second: float) -> np.ndarray:
    return np.array([[1 - share, share] for share in of_second], dtype=np.float32)


def at(epoch: int) -> Deployment:
    return DEPLOYMENT.model_copy(update={"epoch": epoch})


def test_requests_errors_and_slow_ones_are_counted_by_variant() -> None:
    counting = Counting()
    counting.answered(DEPLOYMENT, CHAMPION, 0.01, None)
    counting.answered(DEPLOYMENT, CHAMPION, 0.01, probabilities(0.0, 0.55, 0.59))
    counting.answered(DEPLOYMENT, CHAMPION, 0.09, probabilities(1.0))
    [tally] = counting.tallies()
    assert (tally.requests, tally.errors, tally.slow) == (3, 1, 1)
    assert tally.answers == (1, 0, 0, 0, 0, 2, 0, 0, 0, 1)
    assert dict(zip(LATENCIES, tally.latencies, strict=False)) == {
        **dict.fromkeys(LATENCIES, 0),
        0.01: 2,
        0.1: 1,
    }
    assert (tally.model, tally.variant, tally.version, tally.epoch) == ("m", "champion", 3, 4)
    assert tally.sha256 == CHAMPION.onnx.sha256
    assert counting.tallies() == (tally,), "a report that is lost is in the next one"


def test_what_is_served_is_told_before_anybody_asks_for_it() -> None:
    counting = Counting()
    counting.serves(DEPLOYMENT)
    [tally] = counting.tallies()
    assert (tally.variant, tally.epoch, tally.requests) == ("champion", 4, 0)


def test_classes_are_counted_and_numbers_by_their_size() -> None:
    counting = Counting()
    digits = np.eye(10, dtype=np.float32)[[7, 7, 1]]
    counting.answered(at(1), CHAMPION, 0.0, digits)
    for value in (12.5, 12.6, 15.2, -12.5, 0.0, 1e-9, 1e30, 1e31):
        counting.answered(at(2), CHAMPION, 0.0, np.array([[value]], dtype=np.float32))
    classes, numbers = counting.tallies()
    assert classes.answers == (0, 1, 0, 0, 0, 0, 0, 2, 0, 0)
    assert [count for count in numbers.answers if count] == [1, 2, 2, 1, 2], "from the smallest"


def test_each_deployment_has_counts_of_its_own_and_old_ones_go() -> None:
    counting = Counting()
    for epoch in (4, 5, 5):
        counting.answered(at(epoch), CHAMPION, 0.0, probabilities(0.5))
    assert {tally.epoch: tally.requests for tally in counting.tallies()} == {4: 1, 5: 2}
    counting.serves(at(6))
    assert [tally.epoch for tally in counting.tallies()] == [5, 6], "5 may still be under way"
    counting.drop("m")
    assert counting.tallies() == ()


def test_an_entity_counts_once_for_whoever_answers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    counting, control = Counting(), CHAMPION.model_copy(update={"name": "control"})
    for name in (b"ann", b"ben", b"ann", None):
        counting.answered(DEPLOYMENT, CHAMPION, 0.0, None, name)
    counting.refused(DEPLOYMENT, control, b"eve")
    told = {tally.variant: (tally.requests, tally.entities) for tally in counting.tallies()}
    assert told == {"champion": (4, 2), "control": (1, 1)}
    counting.answered(at(5), CHAMPION, 0.0, None, b"ann")
    assert counting.tallies()[-1].entities == 1, "each deployment divides them anew"
    monkeypatch.setattr(serving.counting, "_ENTITIES", 3)
    counting.answered(DEPLOYMENT, control, 0.0, None, b"joe")
    assert counting.tallies()[1].entities == 1, "of all variants together so many, or none is fair"


def test_one_row_is_counted_as_it_would_be_among_others() -> None:
    rng = np.random.default_rng(3)
    for classes in (1, 2, 5):
        rows = rng.dirichlet(np.ones(classes), size=500).astype(np.float32)
        if classes == 1:
            rows[:, 0] = np.outer(2 ** (np.arange(250) / 8), [1, -1]).ravel()
            rows[:2, 0] = 0, -1e-12
        else:
            rows[0], rows[1] = np.eye(classes, dtype=np.float32)[:2]
            rows[2, :2] = (0.3, 0.7)  # no float32, and ten times it is 7 or a little less
        alone, together = Counting(), Counting()
        for row in rows:
            alone.answered(DEPLOYMENT, CHAMPION, 0.0, row[None, :])
        together.answered(DEPLOYMENT, CHAMPION, 0.0, rows)
        assert alone.tallies()[0].answers == together.tallies()[0].answers
