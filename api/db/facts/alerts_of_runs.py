"""A run that nobody started by hand, and that ended without a champion: people are told."""

from __future__ import annotations

from sqlmodel import Session, select

from api.db.facts.alerts import raise_alert
from api.db.monitoring_tables import TriggerRow
from perennial.contracts.alerts import RaiseAlert
from perennial.contracts.drift import Severity
from perennial.contracts.records import FinishRun, Outcome

_SEVERITY: dict[Outcome, Severity] = {
    "failed": "high",
    "denied": "low",
    "rejected": "low",
    "expired": "low",
}
"""Of the others, a promotion ends what was amiss, and who cancels knows of it."""


def tell_of_end(session: Session, input: FinishRun) -> None:
    """In the transaction of the end: whoever wished for the run asks no more how it went."""
    severity = _SEVERITY.get(input.outcome)
    if severity is None:
        return
    wish = session.exec(
        select(TriggerRow).where(TriggerRow.model == input.model, TriggerRow.run_id == input.run_id)
    ).first()
    if wish is None:
        return
    raise_alert(
        session,
        RaiseAlert(
            effect=f"{input.effect}/alert",
            model=input.model,
            severity=severity,
            kind="retrain",
            key="run",
            title=f"{input.model}: it was to be trained again, and has no new champion",
            body=f"{wish.cause}: the run {input.run_id} ended as {input.outcome}: {input.reason}",
            detail={
                "cause": wish.cause,
                "trigger_id": wish.trigger_id,
                "run_id": input.run_id,
                "outcome": input.outcome,
            },
            links={"run": f"/v1/runs/{input.run_id}"},
            at=input.at,
        ),
    )
