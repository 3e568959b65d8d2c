"""What is wrong is said where the person looks, the run ends in a state that says why, and nothing
is half-promoted. Each case on the whole real stack, through the HTTP interface."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from infra.stack import Stack
from perennial.client import ApiError
from tests.people import People, good_rows, write_points


def spec_of(data: Path, project: str = "Points", **changes: Any) -> dict[str, Any]:
    return {
        "model": f"points-{uuid.uuid4().hex[:8]}",
        "project": f"tests.e2e.projects:{project}",
        "task": "binary",
        "source": {"uri": str(data)},
        "training": {"epochs": 2, "batch_size": 64, "seed": 1},
        "metrics": {"primary": "roc_auc", "thresholds": [{"metric": "roc_auc", "min": 0.5}]},
        "risk_tier": "low",
        "owners": ["ml@example.org"],
        "environments": ["development"],
        "patience": "3s",
        **changes,
    }


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_points(tmp_path_factory.mktemp("data"), good_rows())


def fails(people: People, spec: dict[str, Any], **overrides: Any) -> dict[str, Any]:
    """Run it, and check what holds for every failure."""
    people.apply(spec)
    run: Any = people.run(spec["model"], **overrides)
    assert (run["status"], run["outcome"]) == ("finished", "failed")
    assert all(stage["status"] != "running" for stage in run["stages"])
    failed = [stage for stage in run["stages"] if stage["status"] == "failed"]
    assert failed, "the stage that failed is marked"
    assert people.viewer.champions(spec["model"]) == []
    assert people.viewer.verify_ledger()["ok"]
    return {**run, "failed": failed[-1]["stage"]}


def test_unknown_column(people: People, points: Path) -> None:
    run = fails(people, spec_of(points, "UnknownColumn"))
    assert (run["failed"], run["error_type"]) == ("snapshot", "SourceInvalid")
    assert "why" in run["reason"] and "x" in run["reason"]


def test_wrong_type(people: People, tmp_path: Path) -> None:
    rows = [*good_rows(50), "k99,not-a-number,0.1,a,1"]
    run = fails(people, spec_of(write_points(tmp_path, rows)))
    assert run["failed"] in ("snapshot", "validate")
    assert "x" in run["reason"]


def test_empty_source(people: People, tmp_path: Path) -> None:
    run = fails(people, spec_of(write_points(tmp_path, [])))
    assert (run["failed"], run["error_type"]) == ("snapshot", "SourceInvalid")
    assert "points.csv" in run["reason"]


def test_missing_file(people: People, tmp_path: Path) -> None:
    run = fails(people, spec_of(tmp_path / "nowhere.csv"))
    assert (run["failed"], run["error_type"]) == ("snapshot", "SourceInvalid")
    assert "nowhere.csv" in run["reason"]


def test_missing_label_names_the_rows(people: People, tmp_path: Path) -> None:
    rows = [*good_rows(100), "bad-1,0.1,0.2,a,", "bad-2,0.1,0.2,b,"]
    run = fails(people, spec_of(write_points(tmp_path, rows)))
    assert (run["failed"], run["error_type"]) == ("validate", "DataInvalid")
    assert "bad-1" in run["reason"] and "bad-2" in run["reason"]


@pytest.mark.parametrize(
    ("project", "stage", "says"),
    [
        ("RaisesInLoad", "snapshot", "the warehouse is closed on Mondays"),
        ("RaisesInBuild", "train", "hidden"),
        ("NotThere", "snapshot", "NotThere"),
    ],
)
def test_a_project_that_raises(
    people: People, points: Path, project: str, stage: str, says: str
) -> None:
    run = fails(people, spec_of(points, project))
    assert (run["failed"], run["error_type"]) == (stage, "ProjectInvalid")
    assert says in run["reason"]


def test_training_that_diverges(people: People, points: Path) -> None:
    run = fails(people, spec_of(points), learning_rate=1e37)
    assert (run["failed"], run["error_type"]) == ("train", "TrainingDiverged")
    assert "epoch" in run["reason"]


def test_an_operator_without_onnx_form(people: People, points: Path) -> None:
    run = fails(people, spec_of(points, "Unexportable"))
    assert (run["failed"], run["error_type"]) == ("export", "ExportFailed")
    assert "bessel" in run["reason"].lower()


def test_a_spec_with_mistakes_is_told_all_of_them(people: People) -> None:
    text = b"model: Flights\nprojct: a:B\ntask: binry\nowners: []\n"
    with pytest.raises(ApiError) as error:
        people.engineer.apply(text)
    assert (error.value.status, error.value.kind) == (422, "spec-invalid")
    problems: Any = error.value.problem["problems"]  # type: ignore[typeddict-item]
    assert {1, 2, 3, 4} <= {problem["line"] for problem in problems}
    assert any("project" in str(problem) for problem in problems)


def test_an_unknown_model(people: People) -> None:
    for ask in (
        lambda: people.engineer.start_run("no-such-model"),
        lambda: people.engineer.champions("no-such-model"),
        lambda: people.engineer.roll_back("no-such-model", "production"),
    ):
        with pytest.raises(ApiError) as error:
            ask()
        assert error.value.status == 404
        assert "no-such-model" in str(error.value)


@pytest.mark.parametrize(
    ("service", "stage", "kind"),
    [
        ("opa", "gate", "PolicyUnavailable"),
        ("mlflow", "train", "RegistryUnavailable"),
        ("ray", "train", "ClusterUnavailable"),
    ],
)
def test_a_system_that_is_away(
    stack: Stack, people: People, points: Path, service: str, stage: str, kind: str
) -> None:
    spec = spec_of(points)
    stack.stop(service)
    try:
        run = fails(people, spec)
        assert (run["failed"], run["error_type"]) == (stage, kind)
        ready: Any = people.viewer.ready()
        assert {d["name"] for d in ready["dependencies"] if not d["ok"]} == {service}
    finally:
        stack.start(service)
    again = people.run(spec["model"])
    assert again["outcome"] == "promoted", again["reason"]
