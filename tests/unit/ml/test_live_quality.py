"""What labels mean, and how much of a figure is chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from activities.modelling.evidence.metrics import measure, measure_some
from activities.modelling.labels.live_quality import deviations_of
from activities.modelling.labels.truths import Value, class_numbers, numbers
from activities.modelling.projects import load_project

from .conftest import Write

TEXTS, TRUTHS, DIGITS = ("late", "on time"), ("false", "true"), ("0", "1")


@pytest.mark.parametrize(
    ("classes", "values", "expected"),
    [
        (TEXTS, ["on time", "late", " late ", "Late", "", True, 0], [1, 0, 0, -1, -1, -1, -1]),
        (
            TRUTHS,
            [True, False, "true", "True", "FALSE", 1, 0, "1", "0.0"],
            [1, 0, 1, 1, 0, 1, 0, 1, 0],
        ),
        (TRUTHS, ["yes", 2, 0.5], [-1, -1, -1]),
        (DIGITS, [1, 1.0, "1", "1.0", True, "True", "false", 0], [1, 1, 1, 1, 1, 1, 0, 0]),
        (DIGITS, ["10", 2, "nan", "inf"], [-1, -1, -1, -1]),
        # of more classes a truth value is none of them
        (("0", "1", "2"), [True, "true", 2.0, "1"], [-1, -1, 2, 1]),
        (("1", "true"), [True, 1, "1"], [1, 0, 0]),
        (("1.5", "10"), [1.5, "1.50", 10, "1e1"], [0, 0, 1, 1]),
        (TEXTS, [], []),
    ],
)
def test_the_class_of_a_label(
    classes: tuple[str, ...], values: list[Value], expected: list[int]
) -> None:
    assert class_numbers(values, classes).tolist() == expected


def test_the_number_of_a_label() -> None:
    found = numbers([1, 2.5, "3", " 4.5 ", True, "much", "inf", 2**53, ""])
    assert found[[0, 1, 2, 3, 7]].tolist() == [1, 2.5, 3, 4.5, 2.0**53]
    assert np.isnan(found[[4, 5, 6, 8]]).all()


def test_chance_as_it_is(write_project: Write) -> None:
    """Deviations beside those of windows that were really drawn."""
    project = load_project(write_project())
    rng = np.random.default_rng(0)

    def window(rows: int) -> tuple[np.ndarray, np.ndarray]:
        likely = rng.beta(2, 3, rows)
        truth = (rng.random(rows) < likely).astype(np.int64)
        return truth, np.column_stack([1 - likely, likely])

    drawn = [window(600) for _ in range(150)]
    really = {
        "roc_auc": np.std([roc_auc_score(truth, scores[:, 1]) for truth, scores in drawn]),
        "accuracy": np.std([np.mean((s[:, 1] >= 0.5) == truth) for truth, s in drawn]),
        "brier": np.std([np.mean((s[:, 1] - truth) ** 2) for truth, s in drawn]),
    }
    told = [deviations_of("binary", *window(600), project) for _ in range(2)]
    for name, deviation in really.items():
        # twenty blocks tell a deviation to a sixth, two such windows to a ninth
        assert np.mean([each[name] for each in told]) == pytest.approx(deviation, rel=0.35)
    many = deviations_of("binary", *window(20_000), project)
    assert many["accuracy"] == pytest.approx(really["accuracy"] / np.sqrt(20_000 / 600), rel=0.5)
    few = window(39)
    assert deviations_of("binary", *few, project) == {}


def test_a_project_whose_metrics_want_every_class(write_project: Write) -> None:
    own = """class Own(Base):
        def metrics(self, truth, scores):
            return {'odd': 1 / int(truth.sum())}
    """
    project = load_project(write_project(own))
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    found, problem = measure_some("binary", np.array([0, 1]), scores, project)
    assert found == measure("binary", np.array([0, 1]), scores, project) and not problem
    found, problem = measure_some("binary", np.array([0, 0]), scores, project)
    assert "odd" not in found and "roc_auc" not in found
    assert "metrics() raised ZeroDivisionError" in problem and found["accuracy"] == 0.5


def test_the_figures_that_are_live_are_those_of_the_evidence(write_project: Write) -> None:
    project = load_project(write_project())
    truth = np.array([0, 1, 2, 2])
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.6, 0.2, 0.2]])
    found, _ = measure_some("multiclass", truth, scores, project)
    assert found == measure("multiclass", truth, scores, project)
    assert {"macro_precision", "macro_recall", "calibration_error"} <= set(found)
    one, _ = measure_some("regression", np.array([1.0]), np.array([2.0]), project)
    assert one == {"rmse": 1.0, "mae": 1.0}, "r2 means nothing of one row"
