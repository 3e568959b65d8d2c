"""Champions: one row for each model and environment, moved by compare-and-set of its epoch."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from api.db import events, journal
from api.db.facts.alerts_of_champions import tell_of_move
from api.db.facts.deployments import follow_champion
from api.db.facts.platform import refuse_while_paused
from api.db.facts.specs import get_model, living_model
from api.db.facts.versions import as_champion, get_version
from api.db.tables import ChampionHistoryRow, ChampionRow
from perennial.contracts.errors import Refused, StaleEpoch
from perennial.contracts.records import (
    Champion,
    Champions,
    MoveChampion,
    PreviousChampion,
    ReadChampions,
)
from perennial.contracts.spec import ENVIRONMENTS, Environment


def read_champions(session: Session, input: ReadChampions) -> Champions:
    """The champion of every environment that ever had one, in the environments' usual order."""
    rows = session.exec(select(ChampionRow).where(ChampionRow.model == input.model))
    by_environment = {row.environment: row for row in rows}
    return Champions(
        model=input.model,
        champions=tuple(
            _champion(session, row.model, environment, row.version, row.epoch, row.since)
            for environment in ENVIRONMENTS
            if (row := by_environment.get(environment)) is not None
        ),
    )


def move_champion(session: Session, input: MoveChampion) -> Champion | StaleEpoch:
    """Move the pointer if its epoch is still the expected one, and only then.

    A refusal for its epoch is a fact too: it is recorded, so it is returned and not raised, and
    the same request is refused in the same words ever after.

    Raises:
        PlatformPaused: nothing is promoted at present; ask again later.
        ModelRetired: the model's life has ended (its retirement itself may still empty it).
        NotFound: there is no such model or version.
    """
    model, environment = input.model, input.environment
    if body := journal.find(session, input.effect, "champion.moved"):
        since = datetime.fromisoformat(body["since"])
        return _champion(session, model, environment, body["version"], body["epoch"], since)
    if body := journal.find(session, _refusal(input), "champion.refused"):
        return _stale(input, body["found"])
    if input.cause == "retirement":
        get_model(session, model)
    else:
        living_model(session, model)
    if input.cause == "promotion":
        refuse_while_paused(session)
    if input.version is not None:
        get_version(session, model, input.version)
    current = session.get(ChampionRow, (model, environment))
    found = current.epoch if current else 0
    if found != input.expected_epoch or not _own(session, input):
        return _refuse(session, input, found)
    # clocks of two machines may differ; a period never ends before it began
    since = max(input.at, current.since) if current else input.at
    previous = current.version if current else None
    epoch = _set(session, input, current, since)
    if epoch is None:
        return _refuse(session, input, found)
    session.add(
        ChampionHistoryRow(
            model=model,
            environment=environment,
            epoch=epoch,
            version=input.version,
            since=since,
            cause=input.cause,
            actor=input.actor,
            reason=input.reason,
            run_id=input.run_id,
            decision_id=input.decision_id,
        )
    )
    session.flush()
    follow_champion(session, model, environment, input.version, since)
    moved = {
        "environment": environment,
        "version": input.version,
        "previous": previous,
        "epoch": epoch,
        "cause": input.cause,
    }
    events.append(session, input.run_id, "champion", since, moved)
    tell_of_move(session, input, previous, since)
    journal.append(
        session,
        at=since,
        actor=input.actor,
        kind="champion.moved",
        model=model,
        subject=f"{model}/{environment}",
        body={
            **moved,
            "since": since.isoformat(),
            "reason": input.reason,
            "run_id": input.run_id,
            "decision_id": input.decision_id,
        },
        effect=input.effect,
    )
    return _champion(session, model, environment, input.version, epoch, since)


def previous_champion(session: Session, input: PreviousChampion) -> Champion:
    """What a rollback would put back: its version, under the epoch that holds now.

    Raises:
        Refused: there is nothing to put back, or the version asked for never was champion there.
    """
    model, environment = input.model, input.environment
    get_model(session, model)
    current = session.get(ChampionRow, (model, environment))
    if current is None:
        raise Refused(
            f"{model} never had a champion in {environment}, so there is nothing to roll back; "
            f"promote a version first"
        )
    rows = session.exec(
        select(ChampionHistoryRow.version)
        .where(
            ChampionHistoryRow.model == model,
            ChampionHistoryRow.environment == environment,
            col(ChampionHistoryRow.version).is_not(None),
        )
        .order_by(col(ChampionHistoryRow.epoch).desc())
    )
    earlier = list(dict.fromkeys(v for v in rows if v is not None and v != current.version))
    wanted = input.to_version
    if wanted is not None and wanted == current.version:
        raise Refused(f"version {wanted} is the champion of {model} in {environment} already")
    if wanted is not None and wanted not in earlier:
        raise Refused(
            f"version {wanted} never was champion of {model} in {environment}; versions that "
            f"were: {_named(earlier)}; promote it instead"
        )
    if not earlier:
        raise Refused(
            f"{model} had no other champion in {environment} than version {current.version}, so "
            f"there is nothing to roll back to; promote another version"
        )
    back = earlier[0] if wanted is None else wanted
    return _champion(session, model, environment, back, current.epoch, current.since)


def _set(
    session: Session, input: MoveChampion, current: ChampionRow | None, since: datetime
) -> int | None:
    """Write the pointer and close the period before it; the new epoch, None if it is stale."""
    epoch = input.expected_epoch + 1
    key = {"model": input.model, "environment": input.environment}
    if current is None:
        session.add(ChampionRow(**key, version=input.version, epoch=epoch, since=since))
        return epoch
    # the condition stands in the statement too: no lock has to be trusted for it
    moved = session.execute(
        update(ChampionRow)
        .where(
            col(ChampionRow.model) == input.model,
            col(ChampionRow.environment) == input.environment,
            col(ChampionRow.epoch) == input.expected_epoch,
        )
        .values(version=input.version, epoch=epoch, since=since)
        .returning(col(ChampionRow.epoch))
    ).scalar_one_or_none()
    if moved is None:
        return None
    session.execute(
        update(ChampionHistoryRow)
        .where(
            col(ChampionHistoryRow.model) == input.model,
            col(ChampionHistoryRow.environment) == input.environment,
            col(ChampionHistoryRow.until).is_(None),
        )
        .values(until=since)
    )
    return epoch


def _own(session: Session, input: MoveChampion) -> bool:
    """Whether a compensation takes back what its own run did; any other move may go on."""
    if input.cause != "compensation":
        return True
    key = (input.model, input.environment, input.expected_epoch)
    moved = session.get(ChampionHistoryRow, key)
    return moved is not None and moved.run_id == input.run_id


def _refuse(session: Session, input: MoveChampion, found: int) -> StaleEpoch:
    """Keep that somebody came with an epoch that is not the one of now."""
    journal.append(
        session,
        at=input.at,
        actor=input.actor,
        kind="champion.refused",
        model=input.model,
        subject=f"{input.model}/{input.environment}",
        body={
            "environment": input.environment,
            "version": input.version,
            "expected": input.expected_epoch,
            "found": found,
            "cause": input.cause,
            "reason": input.reason,
            "run_id": input.run_id,
            "decision_id": input.decision_id,
        },
        effect=_refusal(input),
    )
    return _stale(input, found)


def _refusal(input: MoveChampion) -> str:
    return f"{input.effect}/refused"


def _stale(input: MoveChampion, found: int) -> StaleEpoch:
    if found == input.expected_epoch:
        return StaleEpoch(
            f"the champion of {input.model} in {input.environment} was moved to epoch {found} by "
            f"another than run {input.run_id}, which therefore takes nothing back",
            expected=input.expected_epoch,
            found=found,
        )
    return StaleEpoch(
        f"the champion of {input.model} in {input.environment} is at epoch {found}, not at "
        f"{input.expected_epoch}: somebody else moved it first; look at it and ask again",
        expected=input.expected_epoch,
        found=found,
    )


def _champion(
    session: Session,
    model: str,
    environment: Environment,
    version: int | None,
    epoch: int,
    since: datetime,
) -> Champion:
    onnx = None if version is None else as_champion(get_version(session, model, version))
    return Champion(
        model=model, environment=environment, version=version, epoch=epoch, since=since, onnx=onnx
    )


def _named(versions: list[int]) -> str:
    return ", ".join(map(str, sorted(versions))) or "none but the current one"
