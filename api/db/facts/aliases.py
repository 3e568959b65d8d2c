"""What MLflow's aliases were put to, so that a move by hand is told from one that lags behind."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import ColumnElement, true
from sqlmodel import Session, col, select

from api.db import journal
from api.db.facts.specs import get_model
from api.db.tables import ChampionHistoryRow, ChampionRow, ProjectionRow, VersionRow
from perennial.contracts.records import Done
from perennial.contracts.registry import AliasTruth, RecordAliasMoved
from perennial.contracts.spec import Environment

_Place = tuple[str, str]


def read_aliases(session: Session, model: str | None = None) -> tuple[AliasTruth, ...]:
    """Every alias that should be, or that ever was; one query a table, however many models."""
    rows = select(VersionRow.model, VersionRow.version, VersionRow.mlflow_version)
    theirs = {
        (name, version): mlflow
        for name, version, mlflow in session.exec(rows.where(_of(VersionRow, model)))
    }
    projected = {
        (row.model, row.environment): row
        for row in session.exec(select(ProjectionRow).where(_of(ProjectionRow, model)))
    }
    champions = {
        (row.model, row.environment): row
        for row in session.exec(select(ChampionRow).where(_of(ChampionRow, model)))
    }
    behind = [
        place
        for place, row in champions.items()
        if place not in projected or projected[place].epoch < row.epoch
    ]
    on_the_way = _on_the_way(session, behind, projected)
    truths = []
    for name, environment in sorted(champions.keys() | projected.keys()):
        place = (name, environment)
        champion, last = champions.get(place), projected.get(place)
        version = champion.version if champion else None
        wanted = None if version is None else theirs.get((name, version))
        settled = place not in behind
        if settled and version is not None and wanted is None:
            continue  # MLflow never had it: nothing to compare with
        between = [last.version if last else None, *on_the_way[place], version]
        truths.append(
            AliasTruth.model_validate(
                {
                    "model": name,
                    "environment": environment,
                    "version": version,
                    "epoch": champion.epoch if champion else 0,
                    "wanted": wanted,
                    "settled": settled,
                    "lawful": tuple(
                        dict.fromkeys(None if v is None else theirs.get((name, v)) for v in between)
                    ),
                }
            )
        )
    return tuple(truths)


def _of(
    table: type[VersionRow | ProjectionRow | ChampionRow], model: str | None
) -> ColumnElement[bool]:
    return true() if model is None else col(table.model) == model


def _on_the_way(
    session: Session, behind: list[_Place], projected: dict[_Place, ProjectionRow]
) -> dict[_Place, list[int | None]]:
    """The champions since the last projection: an interrupted one may have got to any of them."""
    found: dict[_Place, list[int | None]] = defaultdict(list)
    for model, environment in behind:
        last = projected.get((model, environment))
        rows = session.exec(
            select(ChampionHistoryRow.version).where(
                ChampionHistoryRow.model == model,
                ChampionHistoryRow.environment == environment,
                col(ChampionHistoryRow.epoch) > (last.epoch if last else 0),
            )
        )
        found[(model, environment)] = list(rows)
    return found


def mark_projected(
    session: Session, model: str, environment: Environment, epoch: int, version: int | None
) -> None:
    """Keep what an alias was put to."""
    row = session.get(ProjectionRow, (model, environment))
    if row is None:
        get_model(session, model)
        row = ProjectionRow(model=model, environment=environment)
    elif row.epoch > epoch:
        return
    row.epoch, row.version = epoch, version
    session.add(row)


def record_alias_moved(session: Session, input: RecordAliasMoved) -> Done:
    """Keep where an alias was found, and what is done about it."""
    done, moved = Done(effect=input.effect), input.moved
    if journal.find(session, input.effect, "alias.moved") is not None:
        return done
    get_model(session, moved.model)
    row = session.get(ProjectionRow, (moved.model, moved.environment)) or ProjectionRow(
        model=moved.model, environment=moved.environment
    )
    row.found, row.found_at = moved.found, input.at
    session.add(row)
    journal.append(
        session,
        at=input.at,
        actor="mlflow",
        kind="alias.moved",
        model=moved.model,
        subject=f"{moved.model}/{moved.environment}",
        body={
            "environment": moved.environment,
            "found": moved.found,
            "found_version": moved.found_version,
            "wanted": moved.wanted,
            "epoch": moved.epoch,
            "action": input.action,
        },
        effect=input.effect,
    )
    return done
