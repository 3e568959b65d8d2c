"""The page of YAML: what a model is, how it is trained, and what it must show."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, field_validator, model_validator

from perennial.contracts.alert_plan import AlertPlan
from perennial.contracts.base import Utc
from perennial.contracts.card_plan import CardPlan
from perennial.contracts.data_plan import DataPlan
from perennial.contracts.evidence_plan import EvidencePlan
from perennial.contracts.feature_views import FeatureViews
from perennial.contracts.monitoring_plan import MonitoringPlan, RetrainPlan
from perennial.contracts.request_log import RequestLog
from perennial.contracts.rollout_plan import RolloutPlan
from perennial.contracts.search_plan import SearchPlan
from perennial.contracts.spec_part import (
    ENVIRONMENTS,
    Duration,
    Environment,
    SpecPart,
    duration,
)

__all__ = [
    "ENVIRONMENTS",
    "Duration",
    "EarlyStopping",
    "Environment",
    "ModelSpec",
    "Name",
    "RolloutPlan",
    "SpecPart",
    "Training",
    "duration",
]

Task = Literal["binary", "multiclass", "regression"]
RiskTier = Literal["low", "medium", "high"]
Concurrency = Literal["queue", "reject", "replace"]
Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9-]{0,62}$",
        description="lower-case letters, digits and hyphens, a letter first, 63 at most",
        examples=["flights"],
    ),
]
Param = bool | int | float | str
Precision = Literal["full", "mixed"]


class Source(SpecPart):
    """Where the data comes from; the project's `load` receives this."""

    uri: str = Field(
        min_length=1,
        description="an fsspec URL or path of CSV, Parquet or JSON lines (a file, a folder, a "
        "pattern), of a Delta table, a SQLAlchemy URL beside a query, or whatever the project's "
        "own load() reads. ${NAME} is replaced by the workers' environment; a secret may stand "
        "nowhere else",
        examples=["data/flights.parquet", "${WAREHOUSE_URL}"],
    )
    query: str | None = Field(
        default=None,
        min_length=1,
        description="SQL: what it answers are the rows, and uri says where; may use :as_of",
        examples=["SELECT * FROM flights"],
    )
    watermark: str | None = Field(
        default=None,
        min_length=1,
        description="a column that grows with each row that is added or changed, such as the time "
        "of its last change: a run reads what is new in it, and the other rows from the snapshot "
        "before. Rows that are deleted in the source stay",
    )
    feature_views: FeatureViews | None = Field(
        default=None, description="columns of a feature store, joined to these rows by their times"
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="handed to the project's load() as they are"
    )
    as_of: Utc | None = Field(
        default=None,
        description="rows as they were known then. A run that monitoring asks for has the end of "
        "its window here; a Delta table is read as it was then, a query may use :as_of, and a "
        "project whose source keeps a history should heed it",
    )
    _since: datetime | int | float | str | None = PrivateAttr(default=None)
    _defined: str | None = PrivateAttr(default=None)

    @field_validator("uri")
    @classmethod
    def _no_secret(cls, uri: str) -> str:
        try:
            secret = urlsplit(uri).password
        except ValueError:  # no URL, or one that the ${NAME} in it makes none
            return uri
        if secret and not (secret.startswith("${") and secret.endswith("}")):
            raise ValueError(
                "holds a password, which everybody could read who reads the spec; write ${NAME}, "
                "and set NAME where the workers run"
            )
        return uri

    @property
    def since(self) -> datetime | int | float | str | None:
        """The least value of `watermark` that is of interest; rows below it need not be read."""
        return self._since

    def only_since(self, value: datetime | int | float | str) -> Source:
        """The same source, of which older rows need not be read."""
        other = self.model_copy()
        other._since = value
        return other

    @property
    def defined(self) -> str | None:
        """Digest of the feature views' definitions that rows are to be joined by, if known."""
        return self._defined

    def as_defined(self, definitions: str) -> Source:
        """The same source, whose feature views must be defined so."""
        other = self.model_copy()
        other._defined = definitions
        return other


class Split(SpecPart):
    """How rows are held out for evaluation."""

    by: Literal["random", "time"] = "random"
    test_fraction: float = Field(default=0.2, gt=0.0, lt=1.0)


class EarlyStopping(SpecPart):
    """End a network's training once it learns nothing more, and keep the best of its epochs."""

    patience: int = Field(
        default=3, ge=1, description="epochs without a lower loss on the rows that are kept out"
    )
    least: float = Field(default=0.0, ge=0, description="by how much it has to be lower")
    fraction: float = Field(
        default=0.1, gt=0, lt=1, description="of the training rows, kept out of the training"
    )


class Training(SpecPart):
    """Resources and hyper-parameters of one training."""

    workers: int = Field(default=1, ge=1, le=256)
    cpus_per_worker: int = Field(default=1, ge=1)
    gpus_per_worker: float = Field(default=0, ge=0)
    epochs: int = Field(default=5, ge=1, le=10_000)
    batch_size: int = Field(default=512, ge=1)
    learning_rate: float = Field(default=0.01, gt=0)
    seed: int = Field(default=0, ge=0)
    checkpoint_every: int = Field(
        default=1,
        ge=1,
        description="how many epochs lie between two checkpoints; a training whose process dies "
        "goes on from the newest. Epochs that last less than a second share one a second",
    )
    early_stopping: EarlyStopping | None = Field(
        default=None, description="of a network; without it all epochs are trained"
    )
    precision: Precision = Field(
        default="full",
        description="mixed: a network computes in bfloat16 on a GPU that has it; elsewhere full",
    )
    split: Split = Split()
    params: dict[str, Param] = Field(
        default_factory=dict, description="hyper-parameters of the project's own build()"
    )


class Threshold(SpecPart):
    """A bound on one metric, in all environments or in those named."""

    metric: str = Field(min_length=1)
    min: float | None = None
    max: float | None = None
    environments: tuple[Environment, ...] = Field(
        default=(), description="empty: every environment"
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError(f"threshold on {self.metric!r} needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(
                f"threshold on {self.metric!r}: min {self.min} is above max {self.max}"
            )
        return self


class MetricPlan(SpecPart):
    """Which metric counts, which way is better, and the bounds."""

    primary: str = Field(min_length=1, examples=["roc_auc"])
    goal: Literal["maximize", "minimize"] = "maximize"
    max_regression: float = Field(
        default=0.0,
        ge=0.0,
        description="how much worse than the champion the primary metric may be, in its own unit",
    )
    thresholds: tuple[Threshold, ...] = ()


class ExportPlan(SpecPart):
    """How a version is written as an ONNX file."""

    int8_tolerance: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="try weights of 8 bits, and keep that file where it is faster and no "
        "probability is further off than this (no prediction, as a share of it); without it, not",
    )


class ApprovalPlan(SpecPart):
    """How long a question to people stays open. Expiry never promotes."""

    expires_after: Duration = "14d"


class LifecyclePlan(SpecPart):
    """Which workflow lives the model's runs: ours, or one of your own made of the same steps."""

    workflow: str = Field(default="Lifecycle", min_length=1, description="its registered name")
    task_queue: str = Field(
        default="perennial-control",
        min_length=1,
        description="the queue that the worker of that workflow polls",
    )


class RegistryPlan(SpecPart):
    """What becomes of an alias that somebody moves in MLflow by hand."""

    moved_by_hand: Literal["restore", "adopt"] = Field(
        default="restore",
        description="restore: put it back. adopt: put it back, and ask for the promotion of the "
        "version it was moved to, which is judged and approved as any",
    )


class ModelSpec(SpecPart):
    """All that the platform needs to know of a model, beside its project class."""

    model: Name
    description: str = ""
    project: str = Field(
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="module:Class of the model project",
        examples=["examples.flights.project:FlightDelay"],
    )
    task: Task
    source: Source
    data: DataPlan = DataPlan()
    training: Training = Training()
    search: SearchPlan | None = Field(
        default=None,
        description="which hyper-parameters are looked for before a candidate is trained; "
        "without it they are those of training",
    )
    metrics: MetricPlan
    evidence: EvidencePlan = Field(
        default=EvidencePlan(), description="what it must show beside its metrics"
    )
    export: ExportPlan = ExportPlan()
    risk_tier: RiskTier = "medium"
    owners: tuple[str, ...] = Field(min_length=1)
    card: CardPlan = Field(default=CardPlan(), description="the owners' words in its card")
    environments: tuple[Environment, ...] = Field(
        default=ENVIRONMENTS, min_length=1, description="the order a version is promoted in"
    )
    approvals: ApprovalPlan = ApprovalPlan()
    lifecycle: LifecyclePlan = LifecyclePlan()
    registry: RegistryPlan = RegistryPlan()
    rollout: RolloutPlan | None = Field(
        default=None,
        description="how a version earns the traffic of its champion; without it, at once",
    )
    request_log: RequestLog | None = Field(
        default=None, description="which requests of its callers are kept; without it, none"
    )
    monitoring: MonitoringPlan | None = Field(
        default=None, description="how a champion is watched; without it, not at all"
    )
    retraining: RetrainPlan | None = Field(
        default=None, description="when it is trained again by itself; without it, never"
    )
    alerts: AlertPlan | None = Field(
        default=None, description="who is told of alerts; without it they are only kept"
    )
    concurrency: Concurrency = Field(
        default="queue", description="what a second run does while one is under way"
    )
    patience: Duration = Field(
        default="10m", description="how long a run waits for a system that is away"
    )

    @model_validator(mode="after")
    def _environments_once(self) -> Self:
        if len(set(self.environments)) != len(self.environments):
            raise ValueError("environments must not name one twice")
        for threshold in self.metrics.thresholds:
            if unknown := [e for e in threshold.environments if e not in self.environments]:
                raise ValueError(
                    f"threshold on {threshold.metric!r} names {unknown[0]!r}, "
                    f"which is not in environments"
                )
        for rule in self.evidence.rules:
            if unknown := [e for e in rule.environments if e not in self.environments]:
                raise ValueError(
                    f"the rule on {rule.of} ({rule.measure!r}) names {unknown[0]!r}, "
                    f"which is not in environments"
                )
        rolled = self.rollout.environments if self.rollout is not None else ()
        if unknown := [e for e in rolled if e not in self.environments]:
            raise ValueError(f"rollout names {unknown[0]!r}, which is not in environments")
        watched = self.monitoring.environments if self.monitoring is not None else ()
        if unknown := [e for e in watched if e not in self.environments]:
            raise ValueError(f"monitoring names {unknown[0]!r}, which is not in environments")
        if self.monitoring is not None and self.request_log is None:
            raise ValueError(
                "monitoring judges the log of requests, and the spec keeps none: add request_log"
            )
        if self.retraining is not None and self.retraining.new_rows and not self.source.watermark:
            raise ValueError(
                "retraining.new_rows are told from old ones by source.watermark, and the spec "
                "names none"
            )
        self._quality_can_be_told()
        return self

    def _quality_can_be_told(self) -> None:
        limit = self.rollout.guardrails.quality if self.rollout is not None else None
        if limit is None:
            return
        where = "rollout.guardrails.quality"
        if self.request_log is None:
            raise ValueError(
                f"{where} puts labels to the log of requests, and the spec keeps none: add "
                f"request_log"
            )
        if self.task == "regression" and limit.tolerance is None:
            raise ValueError(
                f"{where} of a model that predicts numbers needs a tolerance: an answer that is "
                f"off by more is wrong"
            )
        if self.task != "regression" and limit.tolerance is not None:
            raise ValueError(
                f"{where}.tolerance is for models that predict numbers: of a {self.task} one a "
                f"wrong class is wrong; leave it out"
            )

    def rollout_in(self, environment: str) -> RolloutPlan | None:
        """How a version is rolled out in one environment, if by steps."""
        plan = self.rollout
        return plan if plan is not None and environment in plan.environments else None

    def monitoring_in(self, environment: str) -> MonitoringPlan | None:
        """How the champion of one environment is watched, if it is."""
        plan = self.monitoring
        return plan if plan is not None and environment in plan.environments else None

    def thresholds_in(self, environment: str) -> tuple[Threshold, ...]:
        """The thresholds that count in one environment."""
        return tuple(
            t
            for t in self.metrics.thresholds
            if not t.environments or environment in t.environments
        )
