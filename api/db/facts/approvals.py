"""Questions to people, and their votes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from api.db import events, journal
from api.db.facts.alerts import close_alert, raise_alert, read_plan
from api.db.facts.runs import get_run, mark_run
from api.db.tables import ApprovalRow, VoteRow
from perennial.contracts.alerts import CloseAlert, RaiseAlert
from perennial.contracts.errors import NotFound, Refused
from perennial.contracts.records import CloseApproval, Done, MarkRun, OpenApproval, RecordVote


def get_approval(session: Session, approval_id: str) -> ApprovalRow:
    """The row of an approval. Raises NotFound."""
    row = session.get(ApprovalRow, approval_id)
    if row is None:
        raise NotFound(f"there is no approval {approval_id!r}; list them to see which are open")
    return row


def open_approval(session: Session, input: OpenApproval) -> Done:
    """Keep an open question. Its run waits with it: nobody sees the one without the other."""
    done = Done(effect=input.effect)
    if journal.find(session, input.effect, "approval.opened") is not None:
        return done
    get_run(session, input.run_id)
    row = ApprovalRow(**input.model_dump(exclude={"effect"}), status="open")
    session.add(row)
    session.flush()
    _tell(session, row, input.opened_at)
    mark_run(
        session,
        MarkRun(
            run_id=input.run_id,
            status="waiting",
            waiting_for=f"approval:{input.environment}",
            at=input.opened_at,
        ),
    )
    journal.append(
        session,
        at=input.opened_at,
        actor=journal.PLATFORM,
        kind="approval.opened",
        model=input.model,
        subject=input.approval_id,
        body={
            "run_id": input.run_id,
            "version": input.version,
            "environment": input.environment,
            "author": input.author,
            "required": input.required,
            "evidence_digest": input.evidence_digest,
            "expires_at": input.expires_at.isoformat(),
        },
        effect=input.effect,
    )
    _alert(session, input)
    return done


def record_vote(session: Session, input: RecordVote) -> Done:
    """Keep one person's word; a person has one on each question."""
    done = Done(effect=input.effect)
    if journal.find(session, input.effect, "approval.voted") is not None:
        return done
    row = get_approval(session, input.approval_id)
    vote = input.vote
    if session.get(VoteRow, (input.approval_id, vote.by)) is not None:
        raise Refused(
            f"{vote.by} has voted on approval {input.approval_id!r} already; somebody else must"
        )
    session.add(
        VoteRow(
            approval_id=input.approval_id,
            by=vote.by,
            approve=input.approve,
            roles=list(vote.roles),
            evidence_digest=vote.evidence_digest,
            comment=vote.comment,
            at=vote.at,
        )
    )
    session.flush()
    _tell(session, row, vote.at)
    journal.append(
        session,
        at=vote.at,
        actor=vote.by,
        kind="approval.voted",
        model=input.model,
        subject=input.approval_id,
        body={
            "approve": input.approve,
            "roles": list(vote.roles),
            "evidence_digest": vote.evidence_digest,
            "comment": vote.comment,
        },
        effect=input.effect,
    )
    return done


def close_approval(session: Session, input: CloseApproval) -> Done:
    """Keep how a question ended, and that its run goes on. The first end stands."""
    done = Done(effect=input.effect)
    if journal.find(session, input.effect, "approval.closed") is not None:
        return done
    row = get_approval(session, input.approval_id)
    if row.status != "open":
        return done
    row.status = input.status
    row.closed_at = input.at
    session.add(row)
    session.flush()
    _tell(session, row, input.at)
    mark_run(session, MarkRun(run_id=row.run_id, status="running", at=input.at))
    journal.append(
        session,
        at=input.at,
        actor=journal.PLATFORM,
        kind="approval.closed",
        model=input.model,
        subject=input.approval_id,
        body={"status": input.status, "votes": _approvals(session, row)},
        effect=input.effect,
    )
    over = {"model": row.model, "environment": row.environment, "key": row.approval_id}
    close_alert(
        session,
        CloseAlert.model_validate(
            {**over, "kind": "approval", "reason": f"it is {row.status}", "at": input.at}
        ),
    )
    return done


def refuse_vote(
    session: Session, effect: str, approval_id: str, by: str, reason: str, at: datetime
) -> None:
    """Keep that somebody tried to vote and might not: nothing else remembers it."""
    if journal.find(session, effect, "approval.refused") is not None:
        return
    row = get_approval(session, approval_id)
    journal.append(
        session,
        at=at,
        actor=by,
        kind="approval.refused",
        model=row.model,
        subject=approval_id,
        body={"reason": reason},
        effect=effect,
    )


def _alert(session: Session, input: OpenApproval) -> None:
    """Tell whom the spec names that people are asked, with a page that they can answer on; each
    link wants a token."""
    plan, _ = read_plan(session, input.model)
    if plan is None:
        return
    where = f"/v1/approvals/{input.approval_id}"
    raise_alert(
        session,
        RaiseAlert(
            effect=f"{input.effect}/alert",
            model=input.model,
            environment=input.environment,
            severity="high",
            kind="approval",
            key=input.approval_id,
            title=f"version {input.version} waits for approval in {input.environment}",
            body=f"{input.author} made it; {input.required} approval(s) needed until "
            f"{input.expires_at:%Y-%m-%d %H:%M} UTC.\n"
            f"perennial --as NAME approve {input.approval_id}\n"
            f"perennial --as NAME reject {input.approval_id}",
            detail={"run_id": input.run_id, "evidence_digest": input.evidence_digest},
            links={
                "page": f"/approve/{input.approval_id}",
                "approval": where,
                "approve": f"{where}/approve",
                "reject": f"{where}/reject",
            },
            at=input.opened_at,
        ),
    )


def _approvals(session: Session, row: ApprovalRow) -> int:
    return session.exec(
        select(func.count())
        .select_from(VoteRow)
        .where(col(VoteRow.approval_id) == row.approval_id, col(VoteRow.approve))
    ).one()


def _tell(session: Session, row: ApprovalRow, at: datetime) -> None:
    events.append(
        session,
        row.run_id,
        "approval",
        at,
        {
            "approval_id": row.approval_id,
            "environment": row.environment,
            "version": row.version,
            "status": row.status,
            "votes": _approvals(session, row),
            "required": row.required,
            "expires_at": row.expires_at.isoformat().replace("+00:00", "Z"),
        },
    )
