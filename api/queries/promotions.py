"""The decisions that put the champions where they are."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select, true
from sqlmodel import Session, col

from api.db.tables import ChampionHistoryRow, ChampionRow, DecisionRow
from api.schemas.runs import DecisionDetail


class Promotions(NamedTuple):
    """One decision for each champion that has one.

    Attributes:
        decisions: the newest that let its version into its environment.
        unasked: champions without one.
    """

    decisions: list[DecisionDetail]
    unasked: int


def of_champions(session: Session, model: str | None = None) -> Promotions:
    """Of every model, or of one, in each environment. A champion that was rolled back to has that
    of its promotion, and what another policy would say of it now is asked of that."""
    mine = true() if model is None else col(ChampionRow.model) == model
    champions = session.scalars(
        select(ChampionRow).where(col(ChampionRow.version).is_not(None), mine)
    ).all()
    rows = session.scalars(
        select(DecisionRow)
        .join(
            ChampionHistoryRow, col(ChampionHistoryRow.decision_id) == col(DecisionRow.decision_id)
        )
        .join(
            ChampionRow,
            (col(ChampionRow.model) == col(ChampionHistoryRow.model))
            & (col(ChampionRow.environment) == col(ChampionHistoryRow.environment))
            & (col(ChampionRow.version) == col(ChampionHistoryRow.version)),
        )
        .where(mine)
        .order_by(col(ChampionHistoryRow.epoch))
    )
    newest = {(row.model, row.environment): row for row in rows}
    decisions = [DecisionDetail.model_validate(newest[key]) for key in sorted(newest)]
    return Promotions(decisions, len(champions) - len(decisions))
