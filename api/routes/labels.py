"""Labels: what became of the rows that a model was asked about."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Depends

from api.auth import Engineer, Someone
from api.bodies import json_only
from api.context import Ctx
from api.documented import READS, SENDS
from api.requests import Key
from api.schemas.base import ModelName
from api.schemas.labels import LabelsDetail, LabelsRequest
from perennial.contracts.labels import LabelsKept

router = APIRouter(prefix="/v1/models/{model}/labels", tags=["labels"])


@router.post(
    "",
    operation_id="send_labels",
    responses=SENDS,
    dependencies=[Depends(json_only)],
)
def send(
    context: Ctx, principal: Engineer, key: Key, model: ModelName, body: LabelsRequest
) -> LabelsKept:
    """Tell what became of rows that a model was asked about: all of these labels, or none.

    A label that is known already is counted as repeated, so that any of them may be sent again. Of
    several values that counts which became known last.
    """
    return context.store.keep_labels(model, body.labels, datetime.now(UTC))


@router.get("", operation_id="read_labels", responses=READS)
def read(context: Ctx, principal: Someone, model: ModelName) -> LabelsDetail:
    """How many labels a model has, and how many found the request that they are of."""
    return LabelsDetail.model_validate(context.store.count_labels(model))
