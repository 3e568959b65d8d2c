"""Runs, approvals and decisions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from api.db.facts.approvals import get_approval
from api.db.facts.runs import get_run
from api.db.tables import ApprovalRow, DecisionRow, RunRow, StageRow, VersionRow, VoteRow
from api.queries.paging import page
from api.schemas.base import Page
from api.schemas.runs import (
    ApprovalDetail,
    DecisionDetail,
    DecisionSummary,
    RunDetail,
    RunSummary,
    StageDetail,
    VoteDetail,
)
from perennial.contracts import ids
from perennial.contracts.errors import NotFound
from perennial.settings import Settings


def list_runs(
    session: Session, cursor: str | None, limit: int, **only: str | None
) -> Page[RunSummary]:
    """Runs, newest first."""
    statement = _where(select(RunRow), RunRow, only)
    key = [col(RunRow.created_at), col(RunRow.run_id)]
    rows, after = page(session, statement, key, cursor, limit)
    return Page(items=[RunSummary.model_validate(row) for row in rows], next_cursor=after)


def run_summary(session: Session, run_id: str) -> RunSummary:
    """A run without its stages. Raises NotFound."""
    return RunSummary.model_validate(get_run(session, run_id))


def read_run(session: Session, run_id: str, settings: Settings, namespace: str) -> RunDetail:
    """A run with its stages and its newest question to people. Raises NotFound."""
    run = get_run(session, run_id)
    stages = session.scalars(
        select(StageRow).where(col(StageRow.run_id) == run_id).order_by(col(StageRow.position))
    )
    approval = session.scalars(
        select(ApprovalRow)
        .where(col(ApprovalRow.run_id) == run_id)
        .order_by(col(ApprovalRow.opened_at).desc(), col(ApprovalRow.approval_id).desc())
        .limit(1)
    ).first()
    return RunDetail(
        **RunSummary.model_validate(run).model_dump(),
        stages=[
            StageDetail.model_validate(
                {**stage.model_dump(), "environment": stage.environment or None}
            )
            for stage in stages
        ],
        approval=_approval(session, approval) if approval else None,
        retrying=[],
        links=_links(session, run, settings, namespace),
    )


def list_approvals(
    session: Session, cursor: str | None, limit: int, **only: str | None
) -> Page[ApprovalDetail]:
    """Questions to people, newest first."""
    statement = _where(select(ApprovalRow), ApprovalRow, only)
    key = [col(ApprovalRow.opened_at), col(ApprovalRow.approval_id)]
    rows, after = page(session, statement, key, cursor, limit)
    return Page(items=[_approval(session, row) for row in rows], next_cursor=after)


def read_approval(session: Session, approval_id: str) -> ApprovalDetail:
    """One question with the votes on it. Raises NotFound."""
    return _approval(session, get_approval(session, approval_id))


def list_decisions(
    session: Session, cursor: str | None, limit: int, **only: str | None
) -> Page[DecisionSummary]:
    """Judgements of the policy, newest first."""
    statement = _decisions(**only)
    key = [col(DecisionRow.decided_at), col(DecisionRow.decision_id)]
    rows, after = page(session, statement, key, cursor, limit)
    return Page(items=[DecisionSummary.model_validate(row) for row in rows], next_cursor=after)


def newest_decisions(session: Session, limit: int, **only: str | None) -> list[DecisionDetail]:
    """Decisions with question and answer, newest first."""
    statement = _decisions(**only)
    order = col(DecisionRow.decided_at).desc(), col(DecisionRow.decision_id).desc()
    rows = session.scalars(statement.order_by(*order).limit(limit))
    return [DecisionDetail.model_validate(row) for row in rows]


def read_decision(session: Session, decision_id: str) -> DecisionDetail:
    """A judgement with exactly what was asked and answered. Raises NotFound."""
    row = session.get(DecisionRow, decision_id)
    if row is None:
        raise NotFound(f"there is no decision {decision_id!r}; list them to see which there are")
    return DecisionDetail.model_validate(row)


def _decisions(kind: str | None = None, **only: str | None) -> Select[Any]:
    statement = _where(select(DecisionRow), DecisionRow, only)
    if kind is not None:
        asked = func.coalesce(col(DecisionRow.question)["kind"].as_string(), "promotion")
        statement = statement.where(asked == kind)
    return statement


def _where(statement: Select[Any], table: Any, only: dict[str, str | None]) -> Select[Any]:
    for column, value in only.items():
        if value is not None:
            statement = statement.where(col(getattr(table, column)) == value)
    return statement


def _approval(session: Session, row: ApprovalRow) -> ApprovalDetail:
    votes = session.scalars(
        select(VoteRow)
        .where(col(VoteRow.approval_id) == row.approval_id)
        .order_by(col(VoteRow.at), col(VoteRow.by))
    )
    return ApprovalDetail.model_validate(
        {**row.model_dump(), "votes": [VoteDetail.model_validate(vote) for vote in votes]}
    )


def _links(session: Session, run: RunRow, settings: Settings, namespace: str) -> dict[str, str]:
    workflow = ids.run_workflow(run.model, run.run_id)
    ui = settings.temporal_ui_url.rstrip("/")
    links = {"temporal": f"{ui}/namespaces/{namespace}/workflows/{workflow}"}
    if run.version is not None:
        version = session.get(VersionRow, (run.model, run.version))
        mlflow = settings.mlflow_tracking_uri.rstrip("/")
        if version is not None and mlflow.startswith("http"):
            trained_in = version.mlflow_run_id or version.trained["mlflow_run_id"]
            links["mlflow"] = f"{mlflow}/#/runs/{trained_in}"
    return links
