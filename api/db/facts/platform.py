"""Whether the platform is paused: one row, whose epoch grows with every pause and resumption."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from api.db import journal
from api.db.tables import ModelRow, PlatformRow
from perennial.contracts.errors import ModelPaused, PlatformPaused
from perennial.contracts.platform import Platform, SetPlatform, Untold

_ONLY = 1


def read_platform(session: Session) -> Platform:
    """As it is now; a platform that nobody ever paused has no row."""
    row = session.get(PlatformRow, _ONLY)
    return Platform() if row is None else _platform(row)


def refuse_while_paused(session: Session) -> None:
    """Raises PlatformPaused, in the transaction of what must not happen meanwhile."""
    platform = read_platform(session)
    if platform.paused:
        raise PlatformPaused(
            f"{platform.actor} paused the platform"
            + (f" ({platform.reason})" if platform.reason else "")
            + ": nothing is promoted until an admin resumes it (`perennial resume --all`)",
            epoch=platform.epoch,
        )


def held(session: Session, model: ModelRow) -> str:
    """Which pause keeps a version of this model from more requests; empty for none."""
    platform = read_platform(session)
    if platform.paused:
        because = f": {platform.reason}" if platform.reason else ""
        return f"{platform.actor} paused the platform{because}"
    return f"{model.name} is paused" if model.status == "paused" else ""


def refuse_while_held(session: Session, model: ModelRow) -> None:
    """Raises PlatformPaused or ModelPaused, as `refuse_while_paused`."""
    refuse_while_paused(session)
    if model.status == "paused":
        raise ModelPaused(
            f"{model.name} is paused: none of its versions gets more requests until an admin "
            f"resumes it (`perennial resume {model.name}`)"
        )


def set_platform(session: Session, input: SetPlatform) -> Platform:
    """Pause or resume; each time takes the next epoch, also where it changes nothing."""
    kind: journal.Kind = "platform.paused" if input.paused else "platform.resumed"
    if body := journal.find(session, input.effect, kind):
        return Platform(
            paused=input.paused,
            epoch=body["epoch"],
            actor=input.actor,
            reason=body["reason"],
            since=datetime.fromisoformat(body["since"]),
        )
    last = session.get(PlatformRow, _ONLY)
    row = session.merge(
        PlatformRow(
            id=_ONLY,
            paused=input.paused,
            epoch=last.epoch + 1 if last else 1,
            told_epoch=last.told_epoch if last else 0,
            actor=input.actor,
            reason=input.reason,
            since=input.at,
        )
    )
    journal.append(
        session,
        at=input.at,
        actor=input.actor,
        kind=kind,
        model="",
        subject="platform",
        body={"epoch": row.epoch, "reason": input.reason, "since": input.at.isoformat()},
        effect=input.effect,
    )
    return _platform(row)


def read_untold(session: Session) -> Untold:
    """Whom to tell: every model that is not retired, unless all know of this epoch."""
    row = session.get(PlatformRow, _ONLY)
    if row is None or row.told_epoch >= row.epoch:
        return Untold(platform=Platform() if row is None else _platform(row))
    names = session.exec(
        select(ModelRow.name).where(ModelRow.status != "retired").order_by(ModelRow.name)
    )
    return Untold(platform=_platform(row), models=tuple(names))


def mark_told(session: Session, epoch: int) -> None:
    """Every model's workflow knows of this epoch."""
    session.execute(
        update(PlatformRow)
        .where(col(PlatformRow.id) == _ONLY, col(PlatformRow.told_epoch) < epoch)
        .values(told_epoch=epoch)
    )


def _platform(row: PlatformRow) -> Platform:
    return Platform(
        paused=row.paused, epoch=row.epoch, actor=row.actor, reason=row.reason, since=row.since
    )
