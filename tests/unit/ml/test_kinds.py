"""scikit-learn and LightGBM go the way that networks go, and leave no pickle behind."""

from __future__ import annotations

import numpy as np
import pytest

from activities.modelling.models import estimators
from activities.modelling.models.preprocessing import Preprocessing
from activities.modelling.training import boosting
from activities.modelling.training.loop import Stopped
from perennial.blobs import BlobStore
from perennial.contracts.errors import (
    DataInvalid,
    ExportFailed,
    PerennialError,
    ProjectInvalid,
    SpecInvalid,
    TrainingDiverged,
)
from perennial.contracts.spec import MetricPlan, Task, Training
from tests.unit.ml.conftest import Write
from tests.unit.ml.stages import Stages, Watching

MIXED = """
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.svm import LinearSVC
from sklearn.gaussian_process import GaussianProcessClassifier

class Own(Base):
    def load(self, source):
        frame = super().load(source)
        rng = np.random.default_rng(1)
        frame["weight"] = np.where(rng.random(400) < 0.2, np.nan, rng.normal(50, 9, 400))
        frame["grade"] = np.digitize(frame["size"], [-0.5, 0.5])
        frame["price"] = 150 + 20 * frame["size"] + (frame["colour"] == "red") * 9
        frame["odd"] = ["never", *["a", "b"] * 199, "a"]
        return frame

    def features(self):
        return Features(
            target="TARGET", numeric=["size", "weight"], categorical=["colour"], key="id"
        )

    def build(self, shape, params):
        return MADE
"""
TARGETS: dict[Task, str] = {"binary": "sold", "multiclass": "grade", "regression": "price"}
PLAN = Training(epochs=20, seed=3)
LIGHT = "LGBM{}(min_child_samples=5)"


def stages(
    write: Write,
    blobs: BlobStore,
    task: Task,
    made: str,
    *,
    plan: Training = PLAN,
    target: str = "",
    more: str = "",
) -> Stages:
    code = MIXED.replace("TARGET", target or TARGETS[task]).replace("MADE", made) + more
    return Stages(blobs, write(code), task, plan)


@pytest.mark.parametrize(
    ("task", "made", "better"),
    [
        ("binary", LIGHT.format("Classifier"), ("accuracy", 0.85)),
        ("multiclass", LIGHT.format("Classifier"), ("accuracy", 0.9)),
        ("regression", LIGHT.format("Regressor"), ("r2", 0.9)),
        ("binary", "make_pipeline(PolynomialFeatures(2), LogisticRegression())", ("accuracy", 0.8)),
        ("multiclass", "RandomForestClassifier(20)", ("accuracy", 0.8)),
        ("regression", "Ridge()", ("r2", 0.95)),
    ],
)
async def test_the_way_of_each_kind(
    write_project: Write, blobs: BlobStore, task: Task, made: str, better: tuple[str, float]
) -> None:
    run = stages(write_project, blobs, task, made)
    snapshot = await run.snapshot()
    trained = run.trained(snapshot)
    boosted = made.startswith("LGBM")
    assert trained.kind == ("boosting" if boosted else "estimator")
    assert len(trained.epochs) == (20 if boosted else 1)
    assert trained.epochs[-1].loss <= trained.epochs[0].loss

    primary, least = better
    plan = MetricPlan(primary=primary)
    assert (await run.evaluated(snapshot, trained, plan)).metrics[primary] > least

    exported = await run.exported(snapshot, trained)
    parity = exported.parity
    assert parity.passed and not parity.flips, parity
    assert {each.sort for each in parity.sorts} == {"held out", "hard", "extreme", "edge"}
    assert {each.name for each in exported.inputs} == {"size", "weight", "colour"}
    assert exported.speed is not None and 0 < exported.speed.p50_ms_1 <= exported.speed.p99_ms_1
    rows = run.rows(snapshot).assign(colour="never seen", weight=np.nan)
    assert np.isfinite(run.graph(exported).scores(rows)).all()
    kept = blobs.get_bytes(trained.weights)
    assert kept.startswith(b"tree\n") if boosted else trained.weights == exported.onnx


async def test_rows_at_an_edge_find_thresholds_that_were_rounded(
    write_project: Write, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As onnxmltools writes them: to the nearest float, which may be above."""
    run = stages(write_project, blobs, "regression", LIGHT.format("Regressor"))
    snapshot = await run.snapshot()
    trained = run.trained(snapshot)
    monkeypatch.setattr(
        "activities.modelling.export.trees_file._down", lambda t: float(np.float32(t))
    )
    parity = (await run.exported(snapshot, trained)).parity
    assert not parity.passed
    assert [each.sort for each in parity.sorts if each.max_abs_diff > parity.tolerance] == ["edge"]


async def test_lightgbm_goes_on_from_its_checkpoint(
    write_project: Write, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.modelling.training.checkpoints._LEAST_SECONDS", 0.0)
    run = stages(write_project, blobs, "binary", LIGHT.format("Classifier"))
    snapshot = await run.snapshot()
    undisturbed = run.trained(snapshot)
    first = Watching(until=8)
    whole = Stages(BlobStore(f"{blobs.url}-again"), run.project, run.task, run.plan)
    snapshot = await whole.snapshot()
    with pytest.raises(Stopped):
        whole.trained(snapshot, first)
    second = Watching()
    trained = whole.trained(snapshot, second)
    assert second.went_on_from == [8]
    assert [epoch.epoch for epoch in second.epochs] == list(range(9, 21))
    preprocessing = Preprocessing.read(whole.blobs.get_bytes(trained.preprocessing))
    frame = run.rows(snapshot)
    ours, theirs = (
        boosting.scores(boosting.read(place.get_bytes(each.weights)), preprocessing, frame)
        for place, each in ((whole.blobs, trained), (blobs, undisturbed))
    )
    assert np.abs(ours - theirs).max() < 1e-9


async def test_the_same_seed_gives_the_same_trees(write_project: Write, blobs: BlobStore) -> None:
    made = "LGBMClassifier(subsample=0.5, subsample_freq=1, colsample_bytree=0.7)"
    run = stages(write_project, blobs, "binary", made)
    snapshot = await run.snapshot()
    first, again = run.trained(snapshot), run.trained(snapshot)
    run.plan = PLAN.model_copy(update={"seed": 9})
    assert first.weights == again.weights != run.trained(snapshot).weights


@pytest.mark.parametrize(
    ("task", "made", "more", "plan", "error", "said"),
    [
        ("regression", "LogisticRegression()", "", {}, ProjectInvalid, "needs a regressor"),
        ("binary", "Ridge()", "", {}, ProjectInvalid, "task binary needs a classifier"),
        ("binary", "LinearSVC()", "", {}, ProjectInvalid, "gives no probabilities"),
        ("binary", "[1]", "", {}, ProjectInvalid, r"returned list; return a torch\.nn\.Module, a"),
        (
            "binary",
            "LogisticRegression(C=-1)",
            "",
            {},
            ProjectInvalid,
            r"fit\(\) raised InvalidParameterError: The 'C' parameter",
        ),
        (
            "binary",
            "LogisticRegression()",
            "\n    def train(self, context): context.fit()\n",
            {},
            ProjectInvalid,
            r"train\(\) is for networks",
        ),
        ("binary", "LogisticRegression()", "", {"workers": 2}, SpecInvalid, "set training.workers"),
        ("binary", "LGBMClassifier(n_estimators=7)", "", {}, ProjectInvalid, "n_estimators to 7"),
        ("binary", "LGBMClassifier(metric='None')", "", {}, TrainingDiverged, "in round 1 of 20"),
        (
            "binary",
            "GaussianProcessClassifier(kernel=__import__('sklearn.gaussian_process.kernels')"
            ".gaussian_process.kernels.CompoundKernel([]))",
            "",
            {},
            PerennialError,
            "GaussianProcess|CompoundKernel",
        ),
    ],
)
async def test_what_cannot_be(
    write_project: Write,
    blobs: BlobStore,
    task: Task,
    made: str,
    more: str,
    plan: dict[str, int],
    error: type[PerennialError],
    said: str,
) -> None:
    wanted = PLAN.model_copy(update=plan)
    run = stages(write_project, blobs, task, made, plan=wanted, more=more)
    snapshot = await run.snapshot()
    with pytest.raises(error, match=said):
        run.trained(snapshot)


async def test_an_objective_without_an_onnx_form(write_project: Write, blobs: BlobStore) -> None:
    made = "LGBMRegressor(objective='cross_entropy')"
    run = stages(write_project, blobs, "regression", made, target="sold")
    snapshot = await run.snapshot()
    trained = run.trained(snapshot)
    with pytest.raises(ExportFailed, match="objective 'cross_entropy' has no ONNX form"):
        await run.exported(snapshot, trained)


def test_a_class_that_is_only_held_out() -> None:
    preprocessing = Preprocessing(
        task="multiclass",
        target="t",
        numeric=(),
        vectors={},
        mean=(),
        scale=(),
        categories={},
        classes=("a", "b", "never"),
    )
    with pytest.raises(DataInvalid, match="the classes never of t are in no training row"):
        estimators.all_classes(np.array([0, 1, 1]), preprocessing)
