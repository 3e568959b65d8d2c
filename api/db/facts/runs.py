"""Runs and their stages. Marks may arrive late or twice; an older one never undoes a newer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from api.db import events, journal
from api.db.facts.alerts_of_runs import tell_of_end
from api.db.facts.specs import get_model
from api.db.tables import RunRow, StageRow
from perennial.contracts.base import Json
from perennial.contracts.errors import NotFound, Refused
from perennial.contracts.records import Done, FinishRun, MarkRun, MarkStage, RecordRun


def get_run(session: Session, run_id: str) -> RunRow:
    """The row of a run. Raises NotFound."""
    run = session.get(RunRow, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id!r}; list runs to see which there are")
    return run


def finished_among(session: Session, run_ids: Sequence[str]) -> frozenset[str]:
    """Those of these runs that have ended; one that is not known has not."""
    ended = select(RunRow.run_id).where(
        col(RunRow.run_id).in_(run_ids), RunRow.status == "finished"
    )
    return frozenset(session.exec(ended))


def record_run(session: Session, input: RecordRun) -> Done:
    """Keep a run that was asked for."""
    done = Done(effect=input.effect)
    if journal.find(session, input.effect, "run.requested") is not None:
        return done
    get_model(session, input.model)
    if session.get(RunRow, input.run_id) is not None:
        raise Refused(f"run {input.run_id!r} is recorded already; ask for a run of another id")
    session.add(
        RunRow(
            run_id=input.run_id,
            model=input.model,
            kind=input.kind,
            status=input.status,
            actor=input.actor,
            asked_because=input.reason,
            hotfix=input.hotfix,
            group_id=input.group,
            spec_version=input.spec_version,
            version=input.version,
            overrides=input.overrides,
            created_at=input.at,
            marked_at=input.at,
            started_at=input.at if input.status == "running" else None,
        )
    )
    session.flush()
    events.append(session, input.run_id, "run", input.at, {"status": input.status})
    journal.append(
        session,
        at=input.at,
        actor=input.actor,
        kind="run.requested",
        model=input.model,
        subject=input.run_id,
        body={
            "kind": input.kind,
            "reason": input.reason,
            "hotfix": input.hotfix,
            "group": input.group,
            "spec_version": input.spec_version,
            "version": input.version,
            "overrides": input.overrides,
        },
        effect=input.effect,
    )
    return done


def mark_run(session: Session, input: MarkRun) -> Done:
    """Show what a run is doing."""
    run = get_run(session, input.run_id)
    same = (run.status, run.waiting_for) == (input.status, input.waiting_for)
    if run.status == "finished" or input.at < run.marked_at or same:
        return Done()
    run.status = input.status
    run.waiting_for = input.waiting_for
    run.marked_at = input.at
    if input.status == "running" and run.started_at is None:
        run.started_at = input.at
    session.add(run)
    events.append(
        session,
        input.run_id,
        "run",
        input.at,
        {"status": input.status, "waiting_for": input.waiting_for},
    )
    return Done()


def mark_stage(session: Session, input: MarkStage) -> Done:
    """Show that a stage began or ended."""
    if input.ended is not None:
        mark_stage(session, input.ended)
    run = get_run(session, input.run_id)
    if run.status == "finished" and input.status == "running":
        return Done()
    key = (input.run_id, input.stage, input.environment or "")
    stage = session.get(StageRow, key)
    if stage is None:
        count = session.exec(
            select(func.count()).select_from(StageRow).where(col(StageRow.run_id) == input.run_id)
        ).one()
        stage = StageRow(
            run_id=key[0],
            stage=key[1],
            environment=key[2],
            position=count + 1,
            status=input.status,
            detail={},
            progress={},
            marked_at=input.at,
            started_at=input.at,
        )
    elif input.at < stage.marked_at or (
        # one instant holds both marks of a stage that took none: its end is the newer
        input.at == stage.marked_at and (input.status == "running" or stage.status != "running")
    ):
        return Done()
    elif input.status == "running" and stage.status != "running":
        stage.started_at = input.at
        stage.progress = {}
    stage.status = input.status
    stage.marked_at = input.at
    stage.summary = input.summary
    stage.detail = events.finite(input.detail)
    stage.finished_at = None if input.status == "running" else input.at
    session.add(stage)
    events.append(session, input.run_id, "stage", input.at, _stage_event(stage))
    return Done()


def report_progress(
    session: Session, run_id: str, stage: str, at: datetime, progress: Json
) -> None:
    """Show how far the stage is that is under way; unknown runs and ended stages are left alone."""
    row = session.exec(
        select(StageRow)
        .where(StageRow.run_id == run_id, StageRow.stage == stage, StageRow.status == "running")
        .order_by(col(StageRow.position).desc())
    ).first()
    if row is None:
        return
    told = events.finite(progress)
    if row.progress == told:
        return
    row.progress = told
    session.add(row)
    events.append(session, run_id, "progress", at, {"stage": stage, "progress": progress})


def finish_run(session: Session, input: FinishRun) -> Done:
    """Keep how a run ended. The first end stands; stages still running have failed."""
    done = Done(effect=input.effect)
    if journal.find(session, input.effect, "run.finished") is not None:
        return done
    run = get_run(session, input.run_id)
    if run.status == "finished":
        return done
    running = select(StageRow).where(StageRow.run_id == input.run_id, StageRow.status == "running")
    for stage in session.exec(running.order_by(col(StageRow.position))).all():
        stage.status = "failed"
        stage.marked_at = stage.finished_at = input.at
        stage.summary = stage.summary or input.reason
        session.add(stage)
        events.append(session, input.run_id, "stage", input.at, _stage_event(stage))
    run.status = "finished"
    run.outcome = input.outcome
    run.reason = input.reason
    run.error_type = input.error_type
    run.reached = input.reached
    run.waiting_for = ""
    run.marked_at = run.finished_at = input.at
    session.add(run)
    end = {"outcome": input.outcome, "reason": input.reason, "error_type": input.error_type}
    events.append(session, input.run_id, "run", input.at, {"status": "finished", **end})
    journal.append(
        session,
        at=input.at,
        actor=journal.PLATFORM,
        kind="run.finished",
        model=input.model,
        subject=input.run_id,
        body={**end, "version": run.version, "reached": input.reached},
        effect=input.effect,
    )
    tell_of_end(session, input)
    return done


def _stage_event(stage: StageRow) -> Json:
    return {
        "stage": stage.stage,
        "environment": stage.environment or None,
        "status": stage.status,
        "summary": stage.summary,
        "detail": stage.detail,
    }
