"""The ledger."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Someone
from api.context import Ctx
from api.db import journal
from api.documented import LISTS, problems
from api.schemas.base import Limit
from api.schemas.service import LedgerEntry, LedgerPage, LedgerVerdict
from perennial.ledger import verify as verify_rows

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])


@router.get("", operation_id="read_ledger", responses=LISTS)
def read(
    context: Ctx,
    principal: Someone,
    after: Annotated[int, Query(ge=0, le=2**53, description="Rows behind this number.")] = 0,
    limit: Limit = 100,
) -> LedgerPage:
    """Rows in their order."""
    with context.store.database.reading() as session:
        rows = journal.page(session, after, limit)
    return LedgerPage(
        items=[LedgerEntry.model_validate(row) for row in rows],
        next_after=rows[-1]["seq"] if len(rows) == limit else None,
    )


@router.get("/verify", operation_id="verify_ledger", responses=problems(401, 503))
def verify(context: Ctx, principal: Someone) -> LedgerVerdict:
    """Follow the whole chain; the first row that does not hold is named.

    Write `rows` and `head` down elsewhere now and then: a chain that was cut off at its end, or
    made anew from the beginning, can only be told by them.
    """
    with context.store.database.reading() as session:
        found = verify_rows(journal.stream(session))
    return LedgerVerdict.model_validate(found)
