"""Groups: versions of several models that become champions together, or none of them does."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path
from starlette.concurrency import run_in_threadpool

from api.auth import Engineer, Someone
from api.bodies import json_only
from api.context import Context, Ctx
from api.documented import READS, WRITES
from api.grouping import roll_back_group, start_group
from api.queries.groups import read_group
from api.queries.models import read_state
from api.requests import Key
from api.schemas.groups import (
    GroupAccepted,
    GroupDetail,
    GroupMoved,
    GroupRequest,
    GroupRollbackRequest,
    GroupRolledBack,
)
from perennial.contracts import ids
from perennial.contracts.groups import PromoteTogether, RollBackTogether

router = APIRouter(prefix="/v1/groups", tags=["groups"])

Group = Annotated[
    str,
    Path(pattern=r"^g-[0-9a-f]{10}$", description="A group.", examples=["g-0123456789"]),
]


@router.post(
    "",
    operation_id="promote_group",
    status_code=202,
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def promote(context: Ctx, principal: Engineer, key: Key, body: GroupRequest) -> GroupAccepted:
    """Make versions of several models champions of an environment: all at one moment, or none.

    Each is judged by a promotion run of its own, under the spec of its model.
    """
    await run_in_threadpool(_known, context, body)
    ask = PromoteTogether.model_validate(
        {
            "request_id": key,
            "actor": principal.name,
            "group": ids.group_id(key),
            **body.model_dump(),
        }
    )
    await start_group(context.temporal, ask)
    return GroupAccepted(group_id=ask.group)


@router.get("/{group}", operation_id="read_group", responses=READS)
def read(context: Ctx, principal: Someone, group: Group) -> GroupDetail:
    """A group, with the runs of its members."""
    with context.store.database.reading() as session:
        return read_group(session, group)


@router.post(
    "/{group}/rollback",
    operation_id="roll_back_group",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def roll_back(
    context: Ctx,
    principal: Engineer,
    key: Key,
    group: Group,
    body: Annotated[GroupRollbackRequest, Body(default_factory=GroupRollbackRequest)],
) -> GroupRolledBack:
    """Put back what was champion before a group moved, of all its models at one moment.

    Refused where one of them has moved since; then put each back that is to be.
    """
    ask = RollBackTogether(request_id=key, actor=principal.name, group=group, reason=body.reason)
    moved = await roll_back_group(context.temporal, ask)
    return GroupRolledBack(
        group_id=group,
        champions=[GroupMoved.model_validate(champion) for champion in moved.champions],
    )


def _known(context: Context, body: GroupRequest) -> None:
    with context.store.database.reading() as session:
        for member in body.members:
            read_state(session, member.model)
