"""The ML activities, scripted: workflow logic is tested without training anything.

Records and policy are the real ones in these tests; only what happens inside torch, Ray and
MLflow is planned here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from temporalio import activity

from perennial.analysis import searching
from perennial.contracts import (
    arrivals,
    data,
    label_sources,
    labelling,
    monitoring,
    records,
    registry,
    reproduction,
    search,
    training,
)
from perennial.contracts.analysis import Verdict
from perennial.contracts.base import BlobRef
from perennial.contracts.causes import AnswersMoved, ColumnEffect
from perennial.contracts.drift import WindowVerdict
from perennial.contracts.errors import PerennialError
from perennial.contracts.spec import Training


def blob(text: str) -> BlobRef:
    return BlobRef(uri=f"memory://{text}", sha256=hashlib.sha256(text.encode()).hexdigest(), size=1)


def score_of(onnx: BlobRef) -> float:
    return float(onnx.uri.rpartition(" ")[2])


class Plan:
    """What is to happen to one model's runs: failures, holds, and what was called."""

    def __init__(self) -> None:
        self.failures: dict[str, PerennialError] = {}
        self.calls: list[str] = []
        self.drift: dict[datetime, Verdict] = {}
        self.quality: dict[datetime, Verdict] = {}
        self.concept: dict[datetime, Verdict] = {}
        self.labels: list[datetime] = []
        self.broken = ""
        self.count_labels: Callable[[labelling.CountLabelled], None] | None = None
        self.table: list[label_sources.LabelsRead] = []
        self.new_rows = arrivals.NewRows(rows=0)
        self.learnt = arrivals.Learnt()
        self.gone: tuple[str, ...] = ()
        self.score: float | None = None
        self.aliases_moved: tuple[registry.AliasMoved, ...] = ()
        self._held: dict[str, asyncio.Event] = {}
        self._reached: dict[str, asyncio.Event] = {}

    def score_of(self, plan: Training) -> float:
        """What a candidate is worth: as its hyper-parameters say, or whatever they say."""
        return float(plan.params.get("score", 0.8)) if self.score is None else self.score

    def hold(self, stage: str) -> None:
        """Make a stage wait until it is released."""
        self._held[stage] = asyncio.Event()
        self._reached[stage] = asyncio.Event()

    async def reached(self, stage: str) -> None:
        """Wait until a held stage has begun."""
        await asyncio.wait_for(self._reached[stage].wait(), timeout=30)

    def release(self, stage: str) -> None:
        """Let a held stage go on."""
        self._held.pop(stage).set()

    async def at(self, stage: str) -> None:
        """Called by the activity of a stage."""
        self.calls.append(stage)
        if stage in self._held:
            held = self._held[stage]
            self._reached[stage].set()
            while not held.is_set():
                activity.heartbeat()  # so that a cancellation arrives
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(held.wait(), timeout=0.2)
        if stage in self.failures:
            raise self.failures[stage]


def _said(verdict: Verdict, of: str) -> dict[str, object]:
    return {"verdict": verdict, "reason": f"{of}: {verdict} as planned", "excess": 1.5}


class PlannedML:
    """Each candidate's score is its hyper-parameter `score`; the rest is planned by model."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}

    def plan(self, model: str) -> Plan:
        """The plan of a model."""
        return self.plans.setdefault(model, Plan())

    @activity.defn(name="find_new_rows")
    async def find_new_rows(self, input: arrivals.FindNewRows) -> arrivals.NewRows:
        plan = self.plan(input.model)
        await plan.at(f"new rows of {input.source.uri}")
        return plan.new_rows

    @activity.defn(name="find_learnt")
    async def find_learnt(self, input: arrivals.FindLearnt) -> arrivals.Learnt:
        plan = self.plan(input.model)
        await plan.at("learnt")
        return plan.learnt

    @activity.defn(name="take_snapshot")
    async def take_snapshot(self, input: data.TakeSnapshot) -> data.DatasetSnapshot:
        await self.plan(input.model).at("snapshot")
        rows = blob(f"rows of {input.source.uri}")
        return data.DatasetSnapshot(
            digest=rows.sha256,
            model=input.model,
            data=rows,
            rows=1000,
            columns=(data.Column(name="x", type="double"),),
            source_uri=input.source.uri,
            taken_at=datetime.now(UTC),
        )

    @activity.defn(name="validate_snapshot")
    async def validate_snapshot(self, input: data.ValidateSnapshot) -> data.DataValidation:
        await self.plan(input.model).at("validate")
        if "invalid" in input.snapshot.source_uri:
            violation = data.Violation(
                check="not_null",
                column="x",
                count=2,
                rows=("3", "7"),
                message="x is null in 2 rows: 3, 7",
            )
            return data.DataValidation(passed=False, rows=1000, checks=4, violations=(violation,))
        return data.DataValidation(passed=True, rows=1000, checks=4)

    @activity.defn(name="profile_snapshot")
    async def profile_snapshot(self, input: data.ProfileSnapshot) -> data.ReferenceProfile:
        await self.plan(input.model).at("profile")
        return data.ReferenceProfile(blob=blob("profile"), rows=1000, columns=1)

    @activity.defn(name="search_parameters")
    async def search_parameters(self, input: search.SearchParameters) -> search.Searched:
        await self.plan(input.train.model).at("search")
        drawn = searching.draw(input.plan, input.train.training.seed)
        best = search.Trial(number=0, params=drawn[0], scores=(0.7,), state="finished", spent=1.0)
        return search.Searched(
            metric=input.metric,
            goal=input.goal,
            best=best,
            training=searching.applied(input.train.training, best.params),
            finished=len(drawn),
            stopped=0,
            failed=0,
            seconds=1.0,
            trials=blob("trials"),
        )

    @activity.defn(name="train_model")
    async def train_model(self, input: training.TrainModel) -> training.TrainedModel:
        await self.plan(input.model).at("train")
        score = self.plan(input.model).score_of(input.training)
        return training.TrainedModel(
            weights=blob(f"weights {score}"),
            preprocessing=blob("preprocessing"),
            code=training.CodeIdentity(
                project=input.project,
                source_digest=blob("code").sha256,
                git_commit="0" * 40,
                dirty=False,
            ),
            epochs=(training.Epoch(epoch=1, loss=1 - score, seconds=0.1),),
            train_rows=800,
            test_rows=20_000,
            seconds=0.1,
            device="cpu",
            mlflow_run_id="m-1",
        )

    @activity.defn(name="evaluate_model")
    async def evaluate_model(self, input: training.EvaluateModel) -> training.Evaluation:
        await self.plan(input.model).at("evaluate")
        score = self.plan(input.model).score_of(input.training)
        return training.Evaluation(
            rows=20_000,
            metrics={"roc_auc": score},
            champions={c.version: {"roc_auc": score_of(c.onnx)} for c in input.champions},
            evaluated_at=datetime.now(UTC),
        )

    @activity.defn(name="compare_champions")
    async def compare_champions(self, input: training.CompareChampions) -> training.Evaluation:
        await self.plan(input.model).at("compare")
        return training.Evaluation(
            rows=20_000,
            metrics={},
            champions={c.version: {"roc_auc": score_of(c.onnx)} for c in input.champions},
            evaluated_at=datetime.now(UTC),
        )

    @activity.defn(name="export_model")
    async def export_model(self, input: training.ExportModel) -> training.ExportedModel:
        await self.plan(input.model).at("export")
        score = float(input.training.params.get("score", 0.8))
        return training.ExportedModel(
            onnx=blob(f"onnx {score}"),
            opset=20,
            inputs=(training.Tensor(name="x", type="float32", shape=(-1, 1)),),
            outputs=(training.Tensor(name="probabilities", type="float32", shape=(-1, 2)),),
            parity=training.Parity(
                passed=True, batch_sizes=(1, 7, 256), rows=264, max_abs_diff=1e-7, tolerance=1e-5
            ),
        )

    @activity.defn(name="register_version")
    async def register_version(self, input: registry.RegisterVersion) -> registry.Registration:
        await self.plan(input.model).at("register")
        return registry.Registration(mlflow_run_id="m-1", mlflow_version=str(input.version))

    @activity.defn(name="project_alias")
    async def project_alias(self, input: registry.ProjectAlias) -> registry.Projection:
        await self.plan(input.model).at("project")
        self.plan(input.model).calls.append(f"alias {input.environment}")
        plan = self.plan(input.model)
        plan.aliases_moved = tuple(
            moved for moved in plan.aliases_moved if moved.environment != input.environment
        )
        return registry.Projection(environment=input.environment, found=None, wanted=None, epoch=0)

    @activity.defn(name="find_moved_aliases")
    async def find_moved_aliases(self, input: registry.FindMovedAliases) -> registry.MovedAliases:
        found = [moved for plan in self.plans.values() for moved in plan.aliases_moved]
        return registry.MovedAliases(moved=tuple(found), compared=len(self.plans))

    @activity.defn(name="judge_window")
    async def judge_window(self, input: monitoring.JudgeWindow) -> monitoring.WindowJudged:
        plan = self.plan(input.model)
        await plan.at("window")
        said = _said("error" if plan.broken else plan.drift.get(input.start, "pass"), "columns")
        drift = WindowVerdict.model_validate({**said, "columns": said})
        moved = AnswersMoved(
            answer="probability.1",
            mean=0.4,
            together=0.1,
            rows=1000,
            columns=(ColumnEffect(column="temp", change=0.1, share=1.0),),
        )
        return monitoring.WindowJudged(
            rows=1000,
            traffic={input.version: 1000},
            drift=drift,
            answers=moved if drift.verdict == "fail" else None,
            broken=plan.broken,
        )

    @activity.defn(name="read_labels")
    async def read_labels(self, input: label_sources.ReadLabels) -> label_sources.LabelsRead:
        plan = self.plan(input.model)
        await plan.at(f"labels by {input.table.watermark}")
        return plan.table.pop(0) if plan.table else label_sources.LabelsRead()

    @activity.defn(name="join_labels")
    async def join_labels(self, input: monitoring.JoinLabels) -> monitoring.LabelsJoined:
        plan = self.plan(input.model)
        await plan.at("join")
        found, plan.labels = plan.labels, []
        return monitoring.LabelsJoined(windows=tuple(found), joined=len(found), broken=plan.broken)

    @activity.defn(name="judge_quality")
    async def judge_quality(self, input: monitoring.JudgeQuality) -> monitoring.QualityJudged:
        plan = self.plan(input.model)
        await plan.at("quality")
        said = _said(plan.quality.get(input.start, "pass"), "roc_auc")
        grown = _said(plan.concept.get(input.start, "pass"), "errors")
        return monitoring.QualityJudged.model_validate(
            {"rows": 1000, "labelled": 900, "concept": {"rows": 900, **grown}, **said}
        )

    @activity.defn(name="count_labelled")
    async def count_labelled(self, input: labelling.CountLabelled) -> records.Done:
        plan = self.plan(input.model)
        await plan.at("labelled")
        if plan.count_labels is not None:
            await asyncio.to_thread(plan.count_labels, input)
        return records.Done()

    @activity.defn(name="find_inputs")
    async def find_inputs(self, input: reproduction.FindInputs) -> reproduction.InputsFound:
        plan = self.plan(input.snapshot.model)
        await plan.at("inputs")
        code = training.CodeIdentity(project=input.project, source_digest=blob("code").sha256)
        return reproduction.InputsFound(code=code, gone=plan.gone)

    @activity.defn(name="compare_weights")
    async def compare_weights(
        self, input: reproduction.CompareWeights
    ) -> reproduction.WeightsCompared:
        same = input.then.weights == input.now.weights
        return reproduction.WeightsCompared(
            identical=same, kind=input.now.kind, max_abs_diff=0.0 if same else 0.5
        )

    @activity.defn(name="sweep_trainings")
    async def sweep_trainings(self, input: training.SweepTrainings) -> training.Swept:
        return training.Swept(run_ids=())
