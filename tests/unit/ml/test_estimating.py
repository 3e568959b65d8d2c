"""Estimates beside the figures that simulated labels give."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from activities.modelling.evidence.estimating import calibration_error, estimate
from perennial.contracts.base import Metrics

ROWS = 20_000


def binary(seed: int) -> np.ndarray:
    likely = np.random.default_rng(seed).beta(0.8, 1.7, ROWS)
    return np.column_stack([1 - likely, likely])


def several(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet([0.4, 0.8, 1.5], ROWS)


def labels(probabilities: np.ndarray, seed: int) -> np.ndarray:
    """Labels as a calibrated model says that they are."""
    drawn = np.random.default_rng(seed).random((len(probabilities), 1))
    return (drawn > probabilities.cumsum(axis=1)).sum(axis=1).clip(max=probabilities.shape[1] - 1)


def of_binary(truth: np.ndarray, probabilities: np.ndarray) -> Metrics:
    likely = probabilities[:, 1]
    guess = likely >= 0.5
    return {
        "accuracy": sk.accuracy_score(truth, guess),
        "precision": sk.precision_score(truth, guess),
        "recall": sk.recall_score(truth, guess),
        "f1": sk.f1_score(truth, guess),
        "roc_auc": sk.roc_auc_score(truth, likely),
        "brier": sk.brier_score_loss(truth, likely),
        "log_loss": sk.log_loss(truth, likely),
    }


def of_several(truth: np.ndarray, probabilities: np.ndarray) -> Metrics:
    guess = probabilities.argmax(axis=1)
    return {
        "accuracy": sk.accuracy_score(truth, guess),
        "macro_precision": sk.precision_score(truth, guess, average="macro"),
        "macro_recall": sk.recall_score(truth, guess, average="macro"),
        "macro_f1": sk.f1_score(truth, guess, average="macro"),
        "macro_roc_auc": sk.roc_auc_score(truth, probabilities, multi_class="ovr"),
        "brier": ((np.eye(3)[truth] - probabilities) ** 2).sum(axis=1).mean(),
        "log_loss": sk.log_loss(truth, probabilities),
    }


@pytest.mark.parametrize("seed", range(3))
def test_a_calibrated_model_is_estimated_well(seed: int) -> None:
    for probabilities, measured in ((binary(seed), of_binary), (several(seed), of_several)):
        truth = labels(probabilities, seed + 100)
        found = estimate(probabilities)
        # 0.015 is more than four deviations of any of these figures on so many rows
        assert found.metrics == pytest.approx(measured(truth, probabilities), abs=0.015)
        assert found.deviation is not None
        off = abs(found.metrics["accuracy"] - sk.accuracy_score(truth, probabilities.argmax(1)))
        assert off < 4 * found.deviation
        assert calibration_error(truth, probabilities) < 0.02
        assert (found.rows, found.skipped) == (ROWS, 0)


def test_what_is_asked_may_change() -> None:
    """A shift to rows that the model is less sure of is seen, before any label has come."""
    usual, shifted = binary(1), np.random.default_rng(1).beta(3, 3, (ROWS, 1))
    unsure = np.hstack([1 - shifted, shifted])
    truth = labels(unsure, 2)
    found = estimate(unsure).metrics["accuracy"]
    assert found < estimate(usual).metrics["accuracy"] - 0.05
    assert found == pytest.approx(sk.accuracy_score(truth, unsure.argmax(axis=1)), abs=0.015)


def test_a_model_that_is_too_sure_is_estimated_too_well() -> None:
    true = binary(4)
    truth = labels(true, 5)
    odds = (true[:, 1] / true[:, 0]) ** 3
    sure = np.column_stack([1 / (1 + odds), odds / (1 + odds)])
    found, measured = estimate(sure), of_binary(truth, sure)
    error = calibration_error(truth, sure)
    off = found.metrics["accuracy"] - measured["accuracy"]
    assert found.deviation is not None and off > 20 * found.deviation
    assert found.metrics["brier"] < measured["brier"] - 0.05
    # and how far it is off could have been told from held-out rows
    assert error > 0.05 and off <= error + 1e-12


def test_a_concept_that_changes_is_not_seen() -> None:
    """It says so in its description: the same rows with other labels look the same."""
    probabilities = binary(6)
    flipped = 1 - labels(probabilities, 7)
    measured = sk.accuracy_score(flipped, probabilities.argmax(axis=1))
    assert estimate(probabilities).metrics["accuracy"] > measured + 0.4


@pytest.mark.parametrize(
    ("probabilities", "metrics"),
    [
        ([[1.0, 0.0], [1.0, 0.0]], {"accuracy": 1, "log_loss": 0, "brier": 0}),
        (
            [[0.0, 1.0], [1.0, 0.0]],
            dict.fromkeys(["accuracy", "precision", "recall", "f1", "roc_auc"], 1.0)
            | {"log_loss": 0, "brier": 0},
        ),
        (
            [[0.5, 0.5]],
            {"accuracy": 0.5, "precision": 0.5, "recall": 1, "f1": 2 / 3, "roc_auc": 0.5}
            | {"log_loss": np.log(2), "brier": 0.25},
        ),
        # float32 that does not add up to 1 quite
        (
            np.array([[0.3, 0.7000001]], dtype=np.float32),
            {"accuracy": 0.7, "precision": 0.7, "recall": 1, "f1": 1.4 / 1.7, "roc_auc": 0.5}
            | {"log_loss": 0.610864, "brier": 0.21},
        ),
    ],
    ids=["never", "both", "open", "narrow"],
)
def test_by_hand(probabilities: list[list[float]], metrics: Metrics) -> None:
    assert estimate(np.array(probabilities)).metrics == pytest.approx(metrics, abs=1e-6)


def test_rows_without_an_answer_are_skipped() -> None:
    bad = [[np.nan, np.nan], [np.inf, 0], [-0.1, 1.1], [0, 0], [0.2, 0.8]]
    found = estimate(np.array(bad))
    assert (found.rows, found.skipped) == (1, 4) and found.metrics["accuracy"] == 0.8
    nothing = estimate(np.array(bad[:4]))
    assert (nothing.rows, nothing.metrics, nothing.deviation) == (0, {}, None)
    with pytest.raises(ValueError, match=r"these are \(3,\)"):
        estimate(np.array([0.1, 0.2, 0.3]))
