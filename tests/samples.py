"""Values of the contracts that are whole and plausible, for tests that need any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from perennial.canonical import digest
from perennial.contracts import records
from perennial.contracts.base import BlobRef
from perennial.contracts.data import Column, DatasetSnapshot, DataValidation, ReferenceProfile
from perennial.contracts.monitoring import RecordWindow, WindowJudged
from perennial.contracts.monitoring_plan import RetrainPlan
from perennial.contracts.policy import Decision, Evidence, Vote
from perennial.contracts.spec import ModelSpec
from perennial.contracts.training import (
    CodeIdentity,
    Epoch,
    ExportedModel,
    Parity,
    Tensor,
    TrainedModel,
)
from perennial.contracts.triggers import RecordTrigger

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(minutes: float = 0) -> datetime:
    """An instant, so many minutes after the start of every test's time."""
    return START + timedelta(minutes=minutes)


def blob(name: str) -> BlobRef:
    return BlobRef(uri=f"file:///blobs/{name}", sha256=digest(name), size=len(name))


def spec(model: str = "flights", **changes: Any) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "model": model,
            "description": "Will this flight arrive late?",
            "project": "examples.flights.project:FlightDelay",
            "task": "binary",
            "source": {"uri": "data/flights.parquet"},
            "metrics": {
                "primary": "roc_auc",
                "thresholds": [{"metric": "roc_auc", "min": 0.6}],
            },
            "owners": ["data-team"],
            **changes,
        }
    )


def snapshot(model: str = "flights", name: str = "january") -> DatasetSnapshot:
    return DatasetSnapshot(
        digest=digest(name),
        model=model,
        data=blob(name),
        rows=1000,
        columns=(Column(name="distance", type="double"), Column(name="late", type="bool")),
        source_uri="data/flights.parquet",
        taken_at=at(),
        tags={"month": name},
    )


def profile(name: str = "january") -> ReferenceProfile:
    return ReferenceProfile(blob=blob(f"profile of {name}"), rows=1000, columns=2)


def trained() -> TrainedModel:
    return TrainedModel(
        weights=blob("weights"),
        preprocessing=blob("preprocessing"),
        code=CodeIdentity(project="examples.flights.project:FlightDelay", source_digest="a" * 64),
        epochs=(Epoch(epoch=1, loss=0.5, seconds=1.5), Epoch(epoch=2, loss=0.25, seconds=1.5)),
        train_rows=800,
        test_rows=200,
        seconds=3.0,
        device="cpu",
        mlflow_run_id="mlflow-run",
    )


def exported(name: str = "model.onnx") -> ExportedModel:
    return ExportedModel(
        onnx=blob(name),
        opset=20,
        inputs=(Tensor(name="distance", type="float32", shape=(-1, 1)),),
        outputs=(Tensor(name="probability", type="float32", shape=(-1,)),),
        parity=Parity(passed=True, batch_sizes=(1, 7), rows=8, max_abs_diff=1e-7, tolerance=1e-5),
    )


def evidence(version: int, run_id: str, model: str = "flights", roc_auc: float = 0.71) -> Evidence:
    return Evidence(
        model=model,
        version=version,
        run_id=run_id,
        snapshot=digest("january"),
        profile=digest("profile of january"),
        onnx=digest("model.onnx"),
        code=trained().code,
        params={"hidden": 32},
        validation=DataValidation(passed=True, rows=1000, checks=6),
        metrics={"roc_auc": roc_auc},
        test_rows=200,
        parity=exported().parity,
        produced_at=at(5),
    )


def decision(decision_id: str = "decision-1", outcome: str = "allow") -> Decision:
    return Decision.model_validate(
        {
            "decision_id": decision_id,
            "outcome": outcome,
            "reasons": [] if outcome == "allow" else ["roc_auc 0.55 is below 0.6"],
            "policy_digest": "b" * 64,
            "decided_at": at(6),
        }
    )


def vote(by: str, minutes: float = 10) -> Vote:
    return Vote(by=by, roles=("approver",), at=at(minutes), evidence_digest="c" * 64)


def record_run(run_id: str, model: str = "flights", **changes: Any) -> records.RecordRun:
    return records.RecordRun.model_validate(
        {
            "effect": f"run/{run_id}/requested",
            "run_id": run_id,
            "model": model,
            "kind": "lifecycle",
            "spec_version": 1,
            "actor": "engineer",
            "reason": "new data",
            "status": "running",
            "at": at(),
            **changes,
        }
    )


def record_version(
    run_id: str, model: str = "flights", onnx: str = "model.onnx"
) -> records.RecordVersion:
    return records.RecordVersion(
        effect=f"run/{run_id}/version",
        run_id=run_id,
        model=model,
        author="engineer",
        snapshot=snapshot(model),
        trained=trained(),
        exported=exported(onnx),
        at=at(4),
    )


def open_approval(approval_id: str, run_id: str, **changes: Any) -> records.OpenApproval:
    return records.OpenApproval.model_validate(
        {
            "effect": f"approval/{approval_id}/opened",
            "approval_id": approval_id,
            "run_id": run_id,
            "model": "flights",
            "version": 1,
            "environment": "production",
            "author": "engineer",
            "required": 1,
            "evidence_digest": "c" * 64,
            "opened_at": at(7),
            "expires_at": at(7 + 14 * 24 * 60),
            **changes,
        }
    )


def move(version: int | None, expected_epoch: int, **changes: Any) -> records.MoveChampion:
    environment = changes.get("environment", "production")
    return records.MoveChampion.model_validate(
        {
            "effect": f"champion/{environment}/{version}/{expected_epoch}",
            "model": "flights",
            "environment": environment,
            "version": version,
            "expected_epoch": expected_epoch,
            "cause": "promotion",
            "actor": "engineer",
            "reason": "it is better",
            "at": at(20 + expected_epoch),
            **changes,
        }
    )


def judged(verdict: str = "pass", rows: int = 1000, **changes: Any) -> WindowJudged:
    said = {"verdict": verdict, "reason": f"columns: {verdict}"}
    return WindowJudged.model_validate(
        {"rows": rows, "drift": {**said, "columns": said, "excess": 0.5}, **changes}
    )


def record_window(minutes: float = 60, version: int = 1, **changes: Any) -> RecordWindow:
    return RecordWindow.model_validate(
        {
            "effect": f"window/{minutes}/{version}",
            "model": "flights",
            "environment": "production",
            "version": version,
            "start": at(minutes),
            "end": at(minutes + 60),
            "judged": judged(),
            "at": at(minutes + 61),
            **changes,
        }
    )


def record_trigger(request: str = "w1", minutes: float = 100, **changes: Any) -> RecordTrigger:
    """A wish of its own snapshot; the limits are those of a spec that says nothing of them."""
    wanted = {
        "request_id": request,
        "actor": "monitor",
        "cause": "drift",
        "snapshot": digest(request),
        "at": at(minutes),
        "reason": "dep_delay has moved",
    }
    return RecordTrigger.model_validate(
        {
            "effect": f"trigger/{request}",
            "trigger_id": f"t-{request}",
            "model": "flights",
            "wanted": {**wanted, **changes},
            "limits": RetrainPlan(),
            "run_id": f"run-{request}",
        }
    )
