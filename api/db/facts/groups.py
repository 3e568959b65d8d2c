"""Groups: champions of several models that are moved, or put back, in one transaction."""

from __future__ import annotations

from sqlmodel import Session, col, select

from api.db import journal
from api.db.facts.champions import move_champion
from api.db.facts.platform import refuse_while_held
from api.db.facts.specs import living_model
from api.db.tables import ChampionHistoryRow, RunRow
from perennial.contracts.errors import NotFound, Refused, StaleEpoch
from perennial.contracts.groups import Moved, MoveTogether, PutBack
from perennial.contracts.records import Champion, MoveChampion


def move_together(session: Session, input: MoveTogether) -> Moved:
    """Make every move. What is raised takes back those that were made: the transaction ends.

    Raises:
        StaleEpoch: one of the champions has moved since.
        PlatformPaused, ModelPaused: nothing is promoted at present, of one of them at least.
        ModelRetired, NotFound: one of them is no more.
    """
    champions = []
    for move in sorted(input.moves, key=lambda move: move.model):
        if journal.find(session, move.effect, "champion.moved") is None:
            refuse_while_held(session, living_model(session, move.model))
        champions.append(_moved(session, move))
    return Moved(champions=tuple(champions))


def roll_back_together(session: Session, input: PutBack) -> Moved:
    """Put back what was champion before a group moved; also while something is paused.

    Raises:
        NotFound: there is no such group.
        Refused: it moved nothing.
        StaleEpoch: one of the champions has moved since: then none is put back.
    """
    runs = session.exec(
        select(RunRow).where(RunRow.group_id == input.group).order_by(RunRow.model)
    ).all()
    if not runs:
        raise NotFound(f"there is no group {input.group!r}; `perennial runs` lists what moved")
    return Moved(champions=tuple(_put_back(session, input, run) for run in runs))


def _put_back(session: Session, input: PutBack, run: RunRow) -> Champion:
    moved = session.exec(
        select(ChampionHistoryRow).where(
            ChampionHistoryRow.run_id == run.run_id, ChampionHistoryRow.cause == "promotion"
        )
    ).first()
    if moved is None:
        why = run.reason or "it has not moved yet"
        raise Refused(f"group {input.group} moved nothing, so there is nothing to put back: {why}")
    before = session.exec(
        select(ChampionHistoryRow.version).where(
            ChampionHistoryRow.model == moved.model,
            ChampionHistoryRow.environment == moved.environment,
            col(ChampionHistoryRow.epoch) == moved.epoch - 1,
        )
    ).first()
    return _moved(
        session,
        MoveChampion.model_validate(
            {
                "effect": f"{input.effect}/{moved.model}",
                "model": moved.model,
                "environment": moved.environment,
                "version": before,
                "expected_epoch": moved.epoch,
                "cause": "rollback",
                "actor": input.actor,
                "reason": input.reason,
                "at": input.at,
            }
        ),
    )


def _moved(session: Session, move: MoveChampion) -> Champion:
    champion = move_champion(session, move)
    if isinstance(champion, StaleEpoch):
        raise champion  # inside the transaction: none of the others may stand
    return champion
