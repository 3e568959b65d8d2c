"""Training, evaluation and export of a candidate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from temporalio import activity

from perennial.contracts.advisories import DependencyCheck
from perennial.contracts.base import BlobRef, Contract, Metrics, Sha256, Utc
from perennial.contracts.data import DatasetSnapshot
from perennial.contracts.evidence_plan import EvidencePlan
from perennial.contracts.examined import Examined, Paired, Speed
from perennial.contracts.spec import MetricPlan, Task, Training

Kind = Literal["network", "estimator", "boosting"]
"""What a project's build() gave: a torch module, a scikit-learn estimator, a LightGBM model."""


class Installed(Contract):
    """What a training really ran on, whatever a lock file says."""

    python: str
    machine: str = Field(description="system and processor, such as Linux x86_64")
    libraries: dict[str, str] = Field(description="versions of those that compute")
    digest: Sha256 = Field(description="of all packages that are installed, with their versions")


class CodeIdentity(Contract):
    """Which code trained a model, and on what."""

    project: str
    source_digest: Sha256
    git_commit: str | None = None
    dirty: bool | None = None
    lock_digest: Sha256 | None = Field(
        default=None, description="digest of the locked environment, where there is a lock file"
    )
    platform_digest: Sha256 | None = Field(
        default=None, description="of the platform's own sources that prepare, train and measure"
    )
    installed: Installed | None = None


class TrainModel(Contract):
    """Train one candidate; the run id names the Ray job, so a retry attaches to it."""

    run_id: str
    model: str
    project: str
    task: Task
    snapshot: DatasetSnapshot
    training: Training
    author: str = ""


class Epoch(Contract):
    """What one pass over the training rows ended with."""

    epoch: int
    loss: float
    metrics: Metrics = Field(default_factory=dict)
    seconds: float


class Compared(Contract):
    """How far the ONNX file is from the trained model on rows of one sort."""

    sort: Literal["held out", "hard", "extreme", "edge"]
    rows: int
    max_abs_diff: float
    flips: int


class Parity(Contract):
    """How far the ONNX file is from the trained model, on raw rows."""

    passed: bool
    batch_sizes: tuple[int, ...]
    rows: int
    max_abs_diff: float = Field(
        description="of a probability; of a prediction as a share of it, or of what is usual"
    )
    tolerance: float
    output: str = Field(default="", description="the output of the graph that was compared")
    flips: int | None = Field(
        default=None,
        description="rows of which the two name other classes, None of a regression; those at an "
        "edge, where a rounding error decides, are counted in `sorts` alone",
    )
    sorts: tuple[Compared, ...] = Field(
        default=(),
        description="held out: as they are. hard: with values missing, infinite, never seen. "
        "extreme: far outside. edge: as near as can be to where the answer changes",
    )


class TrainedModel(Contract):
    """Weights, the fitted preprocessing, and how the loss went."""

    kind: Kind = "network"
    weights: BlobRef = Field(
        description="of a network safetensors, of LightGBM its text, of an estimator the ONNX file"
    )
    parity: Parity | None = Field(
        default=None,
        description="of an estimator, compared where it was trained: it is kept in no other form",
    )
    preprocessing: BlobRef
    code: CodeIdentity
    epochs: tuple[Epoch, ...] = Field(description="200 at most, thinned evenly beyond")
    train_rows: int
    test_rows: int
    seconds: float
    device: str
    kept_epoch: int | None = Field(
        default=None,
        description="of a network with early stopping: the epoch whose weights these are",
    )
    mlflow_run_id: str


class ChampionModel(Contract):
    """A champion to measure on the same rows."""

    version: int
    onnx: BlobRef


class SweepTrainings(Contract):
    """Look for trainings that still run on Ray although their runs have ended."""


class Swept(Contract):
    """The runs whose trainings were ended."""

    run_ids: tuple[str, ...]


class EvaluateModel(Contract):
    """Measure a candidate, and champions beside it, on the held-out rows."""

    run_id: str
    model: str
    project: str
    task: Task
    metrics: MetricPlan
    snapshot: DatasetSnapshot
    training: Training
    trained: TrainedModel
    champions: tuple[ChampionModel, ...] = ()
    evidence: EvidencePlan = EvidencePlan()


class Evaluation(Contract):
    """Metrics of the candidate and, by version, of champions on the very same rows."""

    rows: int
    metrics: Metrics
    champions: dict[int, Metrics] = Field(default_factory=dict)
    answers: BlobRef | None = Field(
        default=None, description="whylogs profile of what the candidate answered to these rows"
    )
    examined: Examined | None = None
    dependencies: DependencyCheck | None = Field(
        default=None, description="vulnerabilities of what it was made with"
    )
    paired: dict[int, Paired] = Field(
        default_factory=dict, description="of a comparison: the version beside each champion"
    )
    evaluated_at: Utc


class CompareChampions(Contract):
    """Measure further champions on the rows that a version was evaluated on, and it beside them."""

    run_id: str
    model: str
    project: str
    task: Task
    snapshot: DatasetSnapshot
    training: Training
    champions: tuple[ChampionModel, ...]
    version: ChampionModel | None = Field(
        default=None, description="what they are compared with, as it is served"
    )
    metrics: MetricPlan | None = None
    evidence: EvidencePlan = EvidencePlan()


class ExportModel(Contract):
    """Write a candidate as one ONNX file with its preprocessing inside."""

    run_id: str
    model: str
    project: str
    task: Task
    snapshot: DatasetSnapshot
    training: Training
    trained: TrainedModel
    int8_tolerance: float | None = Field(default=None, description="of the spec's export")


class Tensor(Contract):
    """One input or output of the graph; -1 is the batch."""

    name: str
    type: str
    shape: tuple[int, ...]


class Quantised(Contract):
    """What became of the wish for weights of 8 bits."""

    kept: bool
    reason: str
    size: int = Field(default=0, description="bytes of the smaller file")


class ExportedModel(Contract):
    """The file that is registered and served."""

    onnx: BlobRef
    opset: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    parity: Parity
    speed: Speed | None = None
    int8: Quantised | None = Field(default=None, description="where the spec asked for it")


@activity.defn(name="train_model")
async def train_model(input: TrainModel) -> TrainedModel:
    """Train on Ray. Raises TrainingDiverged, ProjectInvalid, ClusterUnavailable."""
    raise NotImplementedError


@activity.defn(name="sweep_trainings")
async def sweep_trainings(input: SweepTrainings) -> Swept:
    """End them, and free what they hold. Raises ClusterUnavailable."""
    raise NotImplementedError


@activity.defn(name="evaluate_model")
async def evaluate_model(input: EvaluateModel) -> Evaluation:
    """Raises EvidenceInvalid when a metric is missing or not finite."""
    raise NotImplementedError


@activity.defn(name="compare_champions")
async def compare_champions(input: CompareChampions) -> Evaluation:
    """Metrics of champions only; `metrics` is empty."""
    raise NotImplementedError


@activity.defn(name="export_model")
async def export_model(input: ExportModel) -> ExportedModel:
    """Raises ExportFailed when an operator has no ONNX form, naming it."""
    raise NotImplementedError
