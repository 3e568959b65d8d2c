"""Wishes to train a model again, by whichever door they come: put to the model's workflow."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from temporalio.client import Client

from api.asking import ask_model
from api.db.engine import Database
from api.queries.models import read_state
from perennial.contracts.lifecycle import ModelState
from perennial.contracts.retraining import Cause
from perennial.contracts.triggers import RETRAIN, RetrainWanted, TriggerRecorded

_DIGEST = re.compile(r"[0-9a-f]{64}")


def rows(named: str | None, *wish: str) -> str:
    """The digest of what names the rows: equal ones are learnt once.

    Args:
        named: a digest, or any text; None: nobody says which rows they are.
        wish: what tells this wish from every other, for rows that nobody names.
    """
    if named is not None and _DIGEST.fullmatch(named):
        return named
    text = "\0".join(("wish", *wish)) if named is None else f"rows\0{named}"
    return hashlib.sha256(text.encode()).hexdigest()


async def wish(
    client: Client,
    database: Database,
    model: str,
    *,
    request_id: str,
    actor: str,
    cause: Cause,
    snapshot: str | None,
    reason: str,
) -> TriggerRecorded:
    """Ask for a model to be trained again; the same request is heard once.

    Args:
        client: of Temporal.
        database: the records.
        model: that is to be trained.
        request_id: names this wish.
        actor: who asks.
        cause: what asks.
        snapshot: digest of the rows, or any text that names them; None: rows of this wish's own.
        reason: in words.

    Raises:
        NotFound: there is no such model.
        ModelRetired: its life has ended.
        KeyReused: the request's id was used for another one.
        Unavailable: there was no answer; to ask again is safe.
    """
    wanted = RetrainWanted(
        request_id=request_id,
        actor=actor,
        cause=cause,
        snapshot=rows(snapshot, model, request_id),
        at=datetime.now(UTC),
        reason=reason,
    )
    return await put(client, database, model, wanted)


async def put(
    client: Client, database: Database, model: str, wanted: RetrainWanted
) -> TriggerRecorded:
    """Put a wish to the model's workflow. Raises as `wish`."""
    state = await run_in_threadpool(_state, database, model)
    return await ask_model(client, state, RETRAIN, wanted, TriggerRecorded)


def _state(database: Database, model: str) -> ModelState:
    with database.reading() as session:
        return read_state(session, model)
