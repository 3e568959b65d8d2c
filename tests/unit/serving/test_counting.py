"""Every request is in one window, of the variant that answered it."""

from __future__ import annotations

import numpy as np

from perennial.contracts.serving import WHOLE, Deployment, Variant
from serving.counting import Counting
from tests import samples

CHAMPION = Variant(name="champion", version=3, onnx=samples.blob("a"), weight=WHOLE)
DEPLOYMENT = Deployment(
    model="m", environment="production", epoch=4, slow_seconds=0.05, variants=(CHAMPION,)
)


def probabilities(*of_second: float) -> np.ndarray:
    return np.array([[1 - share, share] for share in of_second], dtype=np.float32)


def test_requests_errors_and_slow_ones_are_counted_by_variant() -> None:
    counting = Counting("process-1")
    counting.answered(DEPLOYMENT, CHAMPION, 0.01, None)
    counting.answered(DEPLOYMENT, CHAMPION, 0.01, probabilities(0.0, 0.55, 0.59))
    counting.answered(DEPLOYMENT, CHAMPION, 0.09, probabilities(1.0))
    [window] = counting.close()
    assert (window.requests, window.errors, window.slow) == (3, 1, 1)
    assert window.answers == (1, 0, 0, 0, 0, 2, 0, 0, 0, 1)
    assert (window.variant, window.version, window.epoch) == ("champion", 3, 4)
    assert (window.process, window.model, window.environment) == ("process-1", "m", "production")
    assert counting.close() == [], "what was told is not told again"


def test_windows_follow_one_another() -> None:
    counting = Counting("process-1")
    counting.answered(DEPLOYMENT, CHAMPION, 0.01, probabilities(0.5))
    [first] = counting.close()
    counting.answered(DEPLOYMENT, CHAMPION, 0.01, probabilities(0.5))
    [second] = counting.close()
    assert first.began <= second.began


def test_classes_are_counted_and_numbers_are_not() -> None:
    counting = Counting("p")
    digits = np.eye(10, dtype=np.float32)[[7, 7, 1]]
    counting.answered(DEPLOYMENT, CHAMPION, 0.0, digits)
    [window] = counting.close()
    assert window.answers == (0, 1, 0, 0, 0, 0, 0, 2, 0, 0)
    counting.answered(DEPLOYMENT, CHAMPION, 0.0, np.array([[12.5]], dtype=np.float32))
    [window] = counting.close()
    assert (window.requests, window.answers) == (1, ())


def test_a_deployment_that_changes_meanwhile_begins_windows_of_its_own() -> None:
    counting = Counting("p")
    for epoch in (4, 5, 5):
        deployment = DEPLOYMENT.model_copy(update={"epoch": epoch})
        counting.answered(deployment, CHAMPION, 0.0, probabilities(0.5))
    assert {window.epoch: window.requests for window in counting.close()} == {4: 1, 5: 2}
