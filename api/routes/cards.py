"""Model cards: what a version is, for people who are no engineers."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.auth import Someone
from api.context import Ctx
from api.documented import READS
from api.queries.cards import read_known
from api.schemas.base import ModelName, VersionPath
from perennial.blobs import BlobStore
from perennial.card import POLICY, as_html, as_markdown

router = APIRouter(prefix="/v1", tags=["models"])

_TEXT = {"schema": {"type": "string"}}


@router.get(
    "/models/{model}/versions/{version}/card",
    operation_id="read_card",
    response_class=Response,
    responses={200: {"content": {"text/markdown": _TEXT, "text/html": _TEXT}}, **READS},
)
def card(
    context: Ctx,
    principal: Someone,
    model: ModelName,
    version: VersionPath,
    as_: Annotated[
        Literal["markdown", "html"],
        Query(alias="as", description="html: one page with drawings, and nothing from elsewhere."),
    ] = "markdown",
) -> Response:
    """What a version is for, how good it is, for whom it is worse, and who approved it."""
    blobs = BlobStore(context.settings.blobs)
    with context.store.database.reading() as session:
        known = read_known(session, blobs, model, version)
    if as_ == "html":
        return Response(
            as_html(known), media_type="text/html", headers={"content-security-policy": POLICY}
        )
    return Response(as_markdown(known), media_type="text/markdown")
