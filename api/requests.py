"""What routes that ask for a change have in common."""

from __future__ import annotations

import uuid
from typing import Annotated, TypeVar

from fastapi import Depends, Response
from starlette.concurrency import run_in_threadpool

from api.asking import ask_model
from api.context import Context
from api.queries.models import read_state
from api.schemas.base import IdempotencyKey
from perennial.contracts.base import Contract
from perennial.contracts.lifecycle import Asked, ModelState

T = TypeVar("T", bound=Contract)


async def _key(response: Response, idempotency_key: IdempotencyKey = None) -> str:
    """The client's key, or a new one; the answer names it."""
    key = idempotency_key or uuid.uuid4().hex
    response.headers["Idempotency-Key"] = key
    return key


Key = Annotated[str, Depends(_key)]
"""The idempotency key of a request."""


async def tell_model(context: Context, model: str, update: str, ask: Asked, answer: type[T]) -> T:
    """Put a request to the workflow of a model that is known. Raises NotFound, PerennialError."""
    state = await run_in_threadpool(model_state, context, model)
    return await ask_model(context.temporal, state, update, ask, answer)


def model_state(context: Context, model: str) -> ModelState:
    """What the records know of a model. Raises NotFound."""
    with context.store.database.reading() as session:
        return read_state(session, model)
