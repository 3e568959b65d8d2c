"""Evidence: the candidate by torch, champions by their files, on the very same rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from temporalio.testing import ActivityEnvironment

from activities.advisories import Advisories
from activities.evaluation import EvaluationActivities
from activities.modelling.data import frames, snapshots
from activities.modelling.data.profiles import profile_frame
from activities.modelling.data.snapshots import Frames
from activities.modelling.evidence.metrics import measure, require
from activities.modelling.export.graphs import Graph
from activities.modelling.models import candidates
from activities.modelling.monitoring.drift import measure as compare_profiles
from activities.modelling.projects import load_project
from activities.modelling.requests.frames import answer_columns
from perennial.blobs import BlobStore
from perennial.contracts.data import DatasetSnapshot
from perennial.contracts.errors import EvidenceInvalid, ProjectInvalid
from perennial.contracts.spec import MetricPlan, Source, Threshold, Training
from perennial.contracts.training import (
    ChampionModel,
    CompareChampions,
    EvaluateModel,
    Evaluation,
    TrainedModel,
)
from tests.unit.ml.conftest import Write
from tests.unit.ml.making import Fitted, export, fit

PLAN = Training(epochs=2, batch_size=64, seed=1)
AUC = MetricPlan(primary="roc_auc")


class Bench:
    """A snapshot, a candidate on it, and champions beside."""

    def __init__(self, name: str, blobs: BlobStore) -> None:
        self.name, self.blobs = name, blobs
        project = load_project(name)
        rows = project.own.load(Source(uri="x"))
        features = project.features()
        table = frames.to_table(rows, features, "x")
        self.snapshot: DatasetSnapshot = snapshots.keep(
            blobs, table, features, model="m", source=Source(uri="x"), tags={}
        )
        self.frame = Frames(blobs).read(self.snapshot)
        self.fitted: Fitted = fit(name, training=PLAN, frame=self.frame)
        self.activities = EvaluationActivities(blobs, Frames(blobs), Advisories(""))

    def trained(self) -> TrainedModel:
        rows = self.fitted.prepared.rows
        return TrainedModel(
            weights=candidates.keep_weights(self.blobs, self.fitted.network),
            preprocessing=self.blobs.put_bytes(self.fitted.preprocessing.to_bytes()),
            code=self.fitted.project.identity(),
            epochs=(),
            train_rows=len(rows.train),
            test_rows=len(rows.test),
            seconds=0,
            device="cpu",
            mlflow_run_id="r",
        )

    def champion(self, version: int, folder: Path, fitted: Fitted | None = None) -> ChampionModel:
        export(fitted or self.fitted, folder)
        return ChampionModel(version=version, onnx=self.blobs.put(folder / "model.onnx"))

    async def evaluate(
        self, *champions: ChampionModel, metrics: MetricPlan = AUC, name: str = ""
    ) -> Evaluation:
        return await ActivityEnvironment().run(
            self.activities.evaluate_model,
            EvaluateModel(
                run_id="r",
                model="m",
                project=name or self.name,
                task="binary",
                metrics=metrics,
                snapshot=self.snapshot,
                training=PLAN,
                trained=self.trained(),
                champions=champions,
            ),
        )


OWN_METRIC = """
class Own(Base):
    def metrics(self, truth, scores):
        return {"share": (scores[:, 1] > 0.5).mean()}
"""


async def test_candidate_and_its_own_file_measure_alike(
    write_project: Write, blobs: BlobStore, tmp_path: Path
) -> None:
    bench = Bench(write_project(OWN_METRIC), blobs)
    said = await bench.evaluate(bench.champion(7, tmp_path))
    assert said.rows == len(bench.fitted.prepared.rows.test)
    assert set(said.metrics) == {
        *("roc_auc", "accuracy", "precision", "recall", "f1", "log_loss", "brier"),
        *("calibration_error", "share"),
    }
    assert said.champions[7] == pytest.approx(said.metrics, abs=1e-6)
    assert said.dependencies is not None and said.dependencies.status == "not checked"
    held_out = bench.frame.iloc[bench.fitted.prepared.rows.test]
    scores = candidates.scores(bench.fitted.network, bench.fitted.preprocessing, held_out)
    assert said.metrics["roc_auc"] == roc_auc_score(held_out["sold"], scores[:, 1])
    # and its answers are kept as the log of requests will have them
    assert said.answers is not None
    graph = Graph(tmp_path / "model.onnx")
    served = graph.run(graph.inputs(held_out))
    asked = answer_columns(served, graph.classes).assign(size=held_out["size"].to_numpy())
    reference = profile_frame(held_out, said.evaluated_at)
    profile = profile_frame(asked, said.evaluated_at)
    drift = compare_profiles(reference, profile, ["size"], blobs.get_bytes(said.answers))
    names = ["prediction", "probability.0", "probability.1"]
    assert [each.column for each in drift.predictions] == names
    for each in (*drift.predictions, *drift.columns):
        assert each.problem is None and each.window.rows == each.reference.rows == said.rows
        # torch and ONNX Runtime may differ in the last bit, which moves a row over a cut
        assert (each.psi or 0) < 0.02 and (each.ks or 0) < 0.03 and not each.new, each


async def test_champions_can_be_measured_later_on_the_same_rows(
    write_project: Write, blobs: BlobStore, tmp_path: Path
) -> None:
    bench = Bench(write_project(), blobs)
    champion = bench.champion(7, tmp_path)
    said = await bench.evaluate(champion)
    later = await ActivityEnvironment().run(
        bench.activities.compare_champions,
        CompareChampions(
            run_id="r",
            model="m",
            project=bench.name,
            task="binary",
            snapshot=bench.snapshot,
            training=PLAN,
            champions=(champion,),
        ),
    )
    assert (later.rows, later.metrics, later.champions) == (said.rows, {}, said.champions)


async def test_a_champion_that_reads_a_column_of_old(
    write_project: Write, blobs: BlobStore, tmp_path: Path
) -> None:
    bench = Bench(write_project(), blobs)
    older = write_project(
        "class Own(Base):\n    def load(self, source):\n"
        "        return super().load(source).rename(columns={'size': 'length'})\n"
        "    def features(self):\n"
        "        return Features('sold', ['length'], ['colour'])"
    )
    champion = bench.champion(3, tmp_path, fit(older))
    with pytest.raises(EvidenceInvalid, match="version 3, reads the column length, which this"):
        await bench.evaluate(champion)


async def test_a_metric_that_nobody_measures(write_project: Write, blobs: BlobStore) -> None:
    bench = Bench(write_project(), blobs)
    plan = MetricPlan(primary="auc", thresholds=(Threshold(metric="fairness", min=0),))
    with pytest.raises(EvidenceInvalid, match="judges by auc, fairness, which is not measured"):
        await bench.evaluate(metrics=plan)


async def test_code_that_changed_since_the_training(write_project: Write, blobs: BlobStore) -> None:
    bench = Bench(write_project(), blobs)
    with pytest.raises(ProjectInvalid, match="changed while the run was under way"):
        await bench.evaluate(name=write_project(OWN_METRIC))


def test_the_figures_of_other_tasks(write_project: Write) -> None:
    project = load_project(write_project())
    classes = measure("multiclass", np.array([0, 1, 2]), np.eye(3) * 0.7 + 0.1, project)
    assert classes["accuracy"] == classes["macro_f1"] == 1.0
    assert classes["log_loss"] == pytest.approx(-np.log(0.8), abs=1e-9)
    values = measure("regression", np.array([1.0, 3.0]), np.array([2.0, 3.0]), project)
    assert values == pytest.approx({"rmse": np.sqrt(0.5), "mae": 0.5, "r2": 0.5})


@pytest.mark.parametrize(
    ("own", "truth", "scores", "error", "said"),
    [
        ("return {'odd': float('nan')}", [0, 1], [0.1, 0.9], EvidenceInvalid, "odd = nan"),
        ("return {'odd': 'much'}", [0, 1], [0.1, 0.9], ProjectInvalid, r"metrics\(\) raised"),
        ("return {}", [1, 1], [0.1, 0.9], EvidenceInvalid, "2 held-out rows are of one class"),
        ("return {}", [0, 1], [0.1, np.nan], EvidenceInvalid, "1 of 2 held-out rows"),
    ],
)
def test_evidence_that_is_none(
    write_project: Write,
    own: str,
    truth: list[int],
    scores: list[float],
    error: type[Exception],
    said: str,
) -> None:
    name = write_project(f"class Own(Base):\n    def metrics(self, truth, scores):\n        {own}")
    likely = np.array(scores)
    with pytest.raises(error, match=said):
        measure(
            "binary", np.array(truth), np.column_stack([1 - likely, likely]), load_project(name)
        )


def test_require_names_what_there_is() -> None:
    with pytest.raises(EvidenceInvalid, match="there are accuracy, f1"):
        require({"accuracy": 1.0, "f1": 1.0}, AUC)


def test_a_missing_category_is_measured_as_the_empty_text(write_project: Write) -> None:
    fitted = fit(write_project())
    rows = pd.DataFrame({"size": [0.1, 0.1], "colour": [None, ""]})
    one, two = candidates.scores(fitted.network, fitted.preprocessing, rows)
    assert (one == two).all()
