"""Records as two runs leave them: one reached production after an approval, one was denied."""

from __future__ import annotations

from api.db.store import Store
from perennial.canonical import digest
from perennial.contracts import ids, records
from perennial.contracts.retraining import RetrainLimits
from perennial.contracts.triggers import RecordTrigger, RetrainWanted
from tests.samples import (
    at,
    decision,
    evidence,
    move,
    open_approval,
    profile,
    record_run,
    record_version,
    record_window,
    snapshot,
    spec,
    vote,
)

GOOD, BAD, WAITING = "flights-good", "flights-bad", "flights-waiting"
APPROVAL = f"{GOOD}.production.1"


def seed(store: Store) -> None:
    """Fill empty records."""
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="engineer", at=at()))
    _trained(store, GOOD, 0, roc_auc=0.71)
    _promoted(store)
    _trained(store, BAD, 60, roc_auc=0.55)
    store.record_decision(
        "bad",
        decision("d-bad", "deny"),
        {"metrics": {"roc_auc": 0.55}},
        {"allow": False},
        model="flights",
        environment="development",
        version=2,
        run_id=BAD,
    )
    _end(store, BAD, "denied", "roc_auc 0.55 is below 0.6", 70)
    store.record_run(record_run(WAITING, at=at(80), actor="admin"))
    for minutes in (60, 120, 180):
        store.record_window(record_window(minutes, environment="development"))
    wish(store, "drift", 90, RetrainLimits())
    wish(store, "request", 91, None)


def wish(store: Store, cause: str, minutes: int, limits: RetrainLimits | None) -> None:
    """A wish to train again: not while a run is under way, and not without limits."""
    trigger_id = ids.trigger_id("flights", cause)
    wanted = {"request_id": cause, "actor": "ada", "cause": cause, "snapshot": "5" * 64}
    store.record_trigger(
        RecordTrigger(
            effect=f"trigger/{trigger_id}",
            trigger_id=trigger_id,
            model="flights",
            wanted=RetrainWanted.model_validate(wanted | {"at": at(minutes)}),
            limits=limits,
            run_id=f"flights-{cause}",
        )
    )


def _trained(store: Store, run_id: str, minutes: int, roc_auc: float) -> None:
    store.record_run(record_run(run_id, at=at(minutes)))
    for position, stage in enumerate(("snapshot", "train")):
        for status in ("running", "passed"):
            when = at(minutes + position + (0.5 if status == "passed" else 0))
            store.mark_stage(
                records.MarkStage.model_validate(
                    {"run_id": run_id, "stage": stage, "status": status, "at": when}
                )
            )
            if (stage, status) == ("train", "running"):
                store.report_progress(run_id, "train", when, {"epoch": 1, "loss": 0.5})
    store.record_snapshot(
        records.RecordSnapshot(
            effect=f"run/{run_id}/snapshot", run_id=run_id, snapshot=snapshot(), profile=profile()
        )
    )
    version = store.record_version(record_version(run_id)).version
    found = evidence(version, run_id, roc_auc=roc_auc)
    store.record_evidence(
        records.RecordEvidence(
            effect=f"run/{run_id}/evidence", evidence=found, evidence_digest=digest(found)
        )
    )
    store.set_registration("flights", version, f"mlflow-{run_id}", str(version))


def _promoted(store: Store) -> None:
    about = {"model": "flights", "environment": "production", "version": 1, "run_id": GOOD}
    store.record_decision(
        "good", decision("d-good"), {"metrics": {"roc_auc": 0.71}}, {"allow": True}, **about
    )
    store.open_approval(open_approval(APPROVAL, GOOD))
    store.record_vote(
        records.RecordVote(
            effect="vote",
            approval_id=APPROVAL,
            model="flights",
            vote=vote("approver"),
            approve=True,
        )
    )
    store.close_approval(
        records.CloseApproval(
            effect="close", approval_id=APPROVAL, model="flights", status="approved", at=at(11)
        )
    )
    store.move_champion(move(1, 0, environment="development", run_id=GOOD))
    store.move_champion(move(1, 0, run_id=GOOD, decision_id="d-good"))
    _end(store, GOOD, "promoted", "version 1 is in production", 21, reached="production")


def _end(store: Store, run_id: str, outcome: str, reason: str, minutes: int, **more) -> None:
    store.finish_run(
        records.FinishRun.model_validate(
            {
                "effect": f"run/{run_id}/finished",
                "run_id": run_id,
                "model": "flights",
                "outcome": outcome,
                "reason": reason,
                "at": at(minutes),
                **more,
            }
        )
    )
