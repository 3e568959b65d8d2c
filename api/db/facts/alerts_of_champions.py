"""What a move of a champion is to alerts: some are over by it, and a rollback is one itself."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from api.db.facts.alerts import close_all, raise_alert
from perennial.contracts import monitoring
from perennial.contracts.alerts import RaiseAlert
from perennial.contracts.lifecycle import GUARD
from perennial.contracts.records import MoveChampion

_OF_A_CHAMPION = ("drift", "quality", "concept", "retrain")
_ROLLBACK = "rollback"


def tell_of_move(session: Session, input: MoveChampion, previous: int | None, at: datetime) -> None:
    """In the transaction of the move: no process that dies can leave an alert of what is over.

    Args:
        session: of the transaction.
        input: the move, which was made.
        previous: the champion before it, if there was one.
        at: since when the new one is champion.
    """
    where = input.model, input.environment
    if previous is not None and previous != input.version:
        over = f"version {previous} is champion no more"
        close_all(session, *where, _OF_A_CHAMPION, at, over, key=f"version {previous}")
    if input.cause == "promotion":
        over = f"version {input.version} was promoted"
        close_all(session, *where, [_ROLLBACK], at, over)
        # a run by hand that ends in a champion is what was asked for
        close_all(session, input.model, None, ["retrain"], at, over)
    if input.cause == "rollback" and previous is not None and input.actor != monitoring.ACTOR:
        raise_alert(session, _taken_back(input, previous, at))


def _taken_back(input: MoveChampion, previous: int, at: datetime) -> RaiseAlert:
    now = "nothing is served" if input.version is None else f"version {input.version} answers"
    return RaiseAlert(
        effect=f"{input.effect}/alert",
        model=input.model,
        environment=input.environment,
        severity="critical" if input.actor == GUARD else "high",
        kind=_ROLLBACK,
        key=f"version {previous}",
        title=f"{input.model} in {input.environment}: it is taken back",
        body=f"{input.actor} took version {previous} back, and {now} now: {input.reason}",
        detail={"version": previous, "run_id": input.run_id, "decision_id": input.decision_id},
        links={"history": f"/v1/models/{input.model}/champions/history"},
        at=at,
    )
