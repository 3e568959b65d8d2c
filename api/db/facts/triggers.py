"""Wishes to train a model again: each is judged in the transaction that keeps it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, literal, or_
from sqlmodel import Session, col, select

from api.db import journal
from api.db.facts.alerts import close_alert, raise_alert
from api.db.facts.notes import correct_notes
from api.db.facts.specs import living_model
from api.db.monitoring_tables import TriggerRow
from api.db.tables import LedgerRow, RunRow, SpecRow, StageRow, VersionRow
from perennial.analysis.governing import HOUR, govern
from perennial.contracts import ids, monitoring
from perennial.contracts.alerts import CloseAlert, RaiseAlert
from perennial.contracts.retraining import Governed, Outcome, Retrain, Wish
from perennial.contracts.spec import ModelSpec
from perennial.contracts.triggers import RecordTrigger, TriggerRecorded

_PAST = timedelta(days=90)
"""Runs that a wish is judged by: those of a month, and some before."""
_NO_ROOM = ("trigger", "room")
"""Begins the effect by which one that was promised a run is told to wait."""
_BY_HAND = Governed(
    decision="ask",
    reason="the spec has no `retraining`, so it is not trained again by itself: a person may start "
    "a run",
)


def record_trigger(session: Session, input: RecordTrigger) -> TriggerRecorded:
    """Keep a wish and what becomes of it; a repeat gets the first answer.

    A monitor records its wish before the model's workflow hears of it: if that finds no room then,
    the run that was promised does not come, and the answer and the window's note say so.

    Raises:
        NotFound, ModelRetired: there is nobody to be trained.
    """
    wanted = input.wanted
    if (row := session.get(TriggerRow, input.trigger_id)) is not None:
        if input.no_room and row.run_id and session.get(RunRow, row.run_id) is None:
            _found_no_room(session, row, input)
        return as_recorded(row)
    living_model(session, input.model)
    # to count them means to read each run's spec, with the ledger held
    limits = input.limits
    counted = limits is not None and (limits.cpu_hours or limits.gpu_hours) is not None
    cpu_hours, gpu_hours = _last_hours(session, input.model) if counted else (0.0, 0.0)
    wish = Wish(
        model=input.model,
        cause=wanted.cause,
        snapshot=wanted.snapshot,
        at=wanted.at,
        cpu_hours=cpu_hours,
        gpu_hours=gpu_hours,
    )
    governed = (
        _BY_HAND
        if limits is None
        else govern(wish, _past(session, wish, counted), _wishes(session, wish), limits)
    )
    if governed.decision == "allow" and input.no_room:
        governed = _no_room(input)
    run_id = input.run_id if governed.decision == "allow" else None
    row = TriggerRow(
        trigger_id=input.trigger_id,
        model=input.model,
        cause=wanted.cause,
        actor=wanted.actor,
        reason=wanted.reason,
        snapshot=wanted.snapshot,
        at=wanted.at,
        as_of=wanted.as_of,
        decision=governed.decision,
        rule=governed.rule,
        until=governed.until,
        why=governed.reason,
        run_id=run_id,
    )
    session.add(row)
    session.flush()
    _tell(session, row, input, input.effect)
    _tell_people(session, row)
    return as_recorded(row)


def was_promised() -> ColumnElement[bool]:
    """Of a wish that found no room: whether a run had been promised before."""
    effect = literal(ids.effect(*_NO_ROOM, "")) + col(TriggerRow.trigger_id)
    return exists().where(col(LedgerRow.effect) == effect)


def _tell_people(session: Session, row: TriggerRow) -> None:
    """A wish that a person has to answer is an alert, whatever asked; one that is allowed ends it.

    A monitor tells of its own wishes, with the window.
    """
    about = {"model": row.model, "kind": "retrain", "key": "limits", "at": row.at}
    if row.decision == "allow":
        over = f"{row.cause}: it is trained again"
        close_alert(session, CloseAlert.model_validate({**about, "reason": over}))
    elif row.decision == "ask" and row.rule is not None and row.actor != monitoring.ACTOR:
        told = {
            "effect": f"{row.trigger_id}/alert",
            "severity": "high",
            "title": f"{row.model}: it is not trained again until a person looks",
            "body": f"{row.cause}: {row.why}",
            "detail": {"cause": row.cause, "rule": row.rule, "trigger_id": row.trigger_id},
            "links": {"triggers": f"/v1/models/{row.model}/triggers"},
        }
        raise_alert(session, RaiseAlert.model_validate({**about, **told}))


def _no_room(input: RecordTrigger) -> Governed:
    """What becomes of a wish that the limits allow, where the model takes no run."""
    return Governed(decision="wait", rule="room", reason=input.no_room)


def _found_no_room(session: Session, row: TriggerRow, input: RecordTrigger) -> None:
    governed = _no_room(input)
    if row.run_id is not None:
        correct_notes(session, row.model, row.run_id, governed.reason)
    row.decision, row.rule, row.why = governed.decision, governed.rule, governed.reason
    row.run_id = None
    session.add(row)
    session.flush()
    _tell(session, row, input, ids.effect(*_NO_ROOM, row.trigger_id))


def _tell(session: Session, row: TriggerRow, input: RecordTrigger, effect: str) -> None:
    journal.append(
        session,
        at=row.at,
        actor=row.actor,
        kind="retrain.wanted",
        model=input.model,
        subject=input.trigger_id,
        body={
            "cause": row.cause,
            "snapshot": row.snapshot,
            "decision": row.decision,
            "rule": row.rule,
            "reason": row.why,
            "run_id": row.run_id,
        },
        effect=effect,
    )


def as_recorded(row: TriggerRow) -> TriggerRecorded:
    """A row as its answer."""
    governed = {
        "decision": row.decision,
        "rule": row.rule,
        "until": row.until,
        "reason": row.why,
    }
    return TriggerRecorded(
        trigger_id=row.trigger_id, governed=Governed.model_validate(governed), run_id=row.run_id
    )


def _wishes(session: Session, wish: Wish) -> list[Wish]:
    rows = session.exec(
        select(TriggerRow).where(TriggerRow.at > wish.at - HOUR, TriggerRow.at <= wish.at)
    )
    return [
        Wish.model_validate(
            {"model": row.model, "cause": row.cause, "snapshot": row.snapshot, "at": row.at}
        )
        for row in rows
    ]


def _past(session: Session, wish: Wish, counted: bool) -> list[Retrain]:
    """Every run that trained the model, by the clock of what asked for it."""
    asked = {
        row.run_id: row
        for row in session.exec(
            select(TriggerRow).where(
                TriggerRow.model == wish.model, col(TriggerRow.run_id).is_not(None)
            )
        )
    }
    runs = session.exec(
        select(RunRow).where(
            RunRow.model == wish.model,
            RunRow.kind == "lifecycle",
            or_(col(RunRow.created_at) > wish.at - _PAST, col(RunRow.run_id).in_(asked)),
        )
    ).all()
    snapshots = dict(
        session.exec(
            select(VersionRow.run_id, VersionRow.snapshot_digest).where(
                VersionRow.model == wish.model
            )
        ).all()
    )
    past = []
    for run in runs:
        trigger = asked.get(run.run_id)
        started = trigger.at if trigger is not None else run.created_at
        if not wish.at - _PAST < started <= wish.at:
            continue
        took = (run.finished_at or run.created_at) - run.created_at
        cpu_hours, gpu_hours = _hours(session, run) if counted else (0.0, 0.0)
        learnt = snapshots.get(run.run_id)
        past.append(
            Retrain(
                # of no snapshot: it failed before it had one, and was asked for by nobody's rows
                snapshot=trigger.snapshot if trigger else learnt or "0" * 64,
                learnt=learnt,
                started=started,
                ended=None if run.finished_at is None else started + took,
                outcome=_outcome(run),
                cpu_hours=cpu_hours,
                gpu_hours=gpu_hours,
            )
        )
    return past


def _outcome(run: RunRow) -> Outcome:
    if run.outcome is None:
        return "running"
    if run.outcome == "promoted":
        return "promoted"
    return "failed" if run.outcome in ("failed", "cancelled") else "rejected"


def _hours(session: Session, run: RunRow) -> tuple[float, float]:
    """CPU and GPU hours of its training: its time, by those that the spec gives it."""
    stage = session.get(StageRow, (run.run_id, "train", ""))
    spec = session.get(SpecRow, (run.model, run.spec_version))
    if stage is None or stage.finished_at is None or spec is None:
        return 0.0, 0.0
    training = ModelSpec.model_validate(spec.spec).training
    hours = training.workers * _seconds(stage.started_at, stage.finished_at) / 3600
    return hours * training.cpus_per_worker, hours * training.gpus_per_worker


def _last_hours(session: Session, model: str) -> tuple[float, float]:
    run = session.exec(
        select(RunRow)
        .where(
            RunRow.model == model, RunRow.kind == "lifecycle", col(RunRow.finished_at).is_not(None)
        )
        .order_by(col(RunRow.created_at).desc())
        .limit(1)
    ).first()
    return (0.0, 0.0) if run is None else _hours(session, run)


def _seconds(start: datetime, end: datetime) -> float:
    return max((end - start).total_seconds(), 0.0)
