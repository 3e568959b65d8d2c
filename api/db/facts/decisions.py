"""Decisions with the exact question and the raw answer, so that they can be asked again."""

from __future__ import annotations

from sqlmodel import Session, select

from api.db import events, journal
from api.db.tables import DecisionRow
from perennial.canonical import digest
from perennial.contracts.base import Json
from perennial.contracts.policy import Decision


def find_decision(session: Session, effect: str) -> Decision | None:
    """The decision that was stored under this effect."""
    row = session.exec(select(DecisionRow).where(DecisionRow.effect == effect)).first()
    return None if row is None else as_decision(row)


def as_decision(row: DecisionRow) -> Decision:
    """A row as the decision it keeps."""
    beside = {"warnings": row.warnings, "dry_run": row.dry_run}
    return Decision.model_validate({**row.model_dump(), **beside})


def record_decision(
    session: Session,
    effect: str,
    decision: Decision,
    question: Json,
    answer: Json,
    *,
    model: str,
    environment: str,
    version: int,
    run_id: str,
) -> Decision:
    """Keep a decision; the first one under an effect stands and is what a repeat gets."""
    if journal.find(session, effect, "decision.made") is not None:
        stored = find_decision(session, effect)
        assert stored is not None, "a decision and its ledger row are written together"
        return stored
    said = decision.model_dump(mode="json", exclude={"decision_id", "decided_at"})
    session.add(
        DecisionRow(
            # the answer, kept as it came, has the warnings
            **{name: value for name, value in said.items() if name not in ("warnings", "dry_run")},
            decision_id=decision.decision_id,
            decided_at=decision.decided_at,
            effect=effect,
            model=model,
            environment=environment,
            version=version,
            run_id=run_id,
            question=question,
            answer=answer,
        )
    )
    session.flush()
    about = {"environment": environment, "version": version}
    events.append(
        session,
        run_id,
        "decision",
        decision.decided_at,
        {"decision_id": decision.decision_id, **about, **said},
    )
    journal.append(
        session,
        at=decision.decided_at,
        actor="policy",
        kind="decision.made",
        model=model,
        subject=decision.decision_id,
        body={
            **about,
            **said,
            "run_id": run_id,
            "question": digest(question),
            "answer": digest(answer),
        },
        effect=effect,
    )
    return decision
