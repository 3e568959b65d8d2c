"""What answers a model's requests, with the counts of the rollout that is under way."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session, col, select

from api.db.facts.serving import read_serving
from api.db.tables import DeploymentRow, RunEventRow, StageRow
from api.schemas.base import Json
from perennial.contracts.deployments import ReadServing
from perennial.contracts.serving import Serving
from perennial.contracts.spec import Environment


def read_served(session: Session, model: str, environment: Environment) -> Serving:
    """What is served, with the counts since its rollout began; since the champion moved if none.

    Raises:
        NotFound: there is no such model.
    """
    row = session.get(DeploymentRow, (model, environment))
    asked = ReadServing(
        model=model,
        environment=environment,
        since_epoch=None if row is None else _first_epoch(session, row),
    )
    return read_serving(session, asked, datetime.now(UTC))


def read_assessments(session: Session, run_id: str, environment: Environment) -> Json:
    """What each thing that a run's rollout watches has come to by now, by name."""
    stage = session.get(StageRow, (run_id, "rollout", environment))
    found: Json = (stage.progress or {}).get("assessments") or {} if stage is not None else {}
    return found


def _first_epoch(session: Session, row: DeploymentRow) -> int:
    """The epoch in which the run that divides the requests began to do so."""
    first = row.epoch
    newest = (
        select(RunEventRow)
        .where(RunEventRow.run_id == row.run_id, RunEventRow.event == "deployment")
        .order_by(col(RunEventRow.seq).desc())
    )
    for event in session.exec(newest):
        if event.data["environment"] != row.environment or len(event.data["shares"]) == 1:
            break  # it gave them back before, or divided those of another environment
        first = event.data["epoch"]
    return first
