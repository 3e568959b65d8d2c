"""What every request and answer shares."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Header, Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    model_validator,
)

from perennial.contracts.spec import Environment

Json = dict[str, Any]
T = TypeVar("T")

_LARGEST = 2**53 - 1

Words = Annotated[
    # NUL is the one character that PostgreSQL does not keep
    str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")
]
"""What a person writes: reasons and comments."""

Param = Annotated[
    bool
    | Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)]
    | FiniteFloat
    | Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")],
    Field(union_mode="smart"),
]
"""A hyper-parameter."""

VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]

ModelName = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="A model.", examples=["flights"])
]
_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$"
RunId = Annotated[str, Path(pattern=_ID, description="A run.", examples=["flights-3f9c0a1b2c"])]
ApprovalId = Annotated[
    str,
    Path(pattern=_ID, description="An approval.", examples=["flights-3f9c0a1b2c.production.1"]),
]
DecisionId = Annotated[
    str, Path(pattern=_ID, description="A decision.", examples=["d-9b1c2d3e4f5a"])
]
AlertId = Annotated[str, Path(pattern=_ID, description="An alert.", examples=["a-9b1c2d3e4f5a"])]
SilenceId = Annotated[str, Path(pattern=_ID, description="A silence.", examples=["s-9b1c2d3e4f5a"])]
VersionPath = Annotated[int, Path(ge=1, le=2**31 - 1, description="A version.", examples=[3])]

ModelFilter = Annotated[
    str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="Of this model only.")
]
RunFilter = Annotated[str | None, Query(pattern=_ID, description="Of this run only.")]
EnvironmentFilter = Annotated[Environment | None, Query(description="Of this environment only.")]


def _written_out(at: object) -> object:
    # pydantic would take 0.5 for half a second of 1970
    written = isinstance(at, str) and re.match(r"\d{4}-\d\d-\d\d[Tt ]", at)
    if not written and at is not None and not isinstance(at, datetime):
        raise ValueError("a time is written like 2026-03-01T12:00:00Z")
    return at


def _in_utc(at: datetime) -> datetime:
    """The same instant in UTC; at the edges of the calendar, the nearest that there is."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return (datetime.min if at.year == 1 else datetime.max).replace(tzinfo=UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""A time with a zone, written out."""

At = Annotated[
    Instant | None,
    Query(
        description="Only what was champion at this time (RFC 3339).",
        examples=["2026-03-01T12:00:00Z"],
    ),
]
Cursor = Annotated[
    str | None,
    Query(
        max_length=500,
        description="`next_cursor` of the page before; none: the first page.",
        json_schema_extra={"format": "cursor"},
    ),
]
Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page, at most.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9._:/-]+$",
        description="Chosen by the client. The same key with the same request has one effect and "
        "one answer, however often it is sent; with another request it is refused.",
    ),
]


class Answer(BaseModel):
    """An answer. A later version may add fields to it."""

    model_config = ConfigDict(from_attributes=True)


class Ask(BaseModel):
    """A request. A field that is not known is an error: most often it is a typing mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(Answer, Generic[T]):
    """One page of a list, newest first."""

    items: list[T]
    next_cursor: str | None = Field(default=None, description="none: this is the last page")


class Reasoned(Ask):
    """A request that may say why."""

    reason: Words = ""


class Hotfixable(Reasoned):
    """A request for a run, which may go before others."""

    hotfix: bool = Field(
        default=False,
        description="go before all that is no hotfix, and end what is under way: its rollout is "
        "called off, and the champion has all requests again. Needs a reason.",
    )

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.hotfix and not self.reason.strip():
            raise ValueError("a hotfix goes before others: say why, as its reason")
        return self


class ProblemItem(BaseModel):
    """One thing that is wrong with a request."""

    line: int | None = Field(default=None, description="in a model spec, from 1")
    column: int | None = Field(default=None, description="in a model spec, from 1")
    field: str
    expected: str
    got: str


class Problem(BaseModel):
    """Problem details (RFC 9457). Further fields depend on the type."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:perennial:error:not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "there is no model 'flight'; apply its spec first",
                    "instance": "/v1/models/flight",
                }
            ]
        },
    )

    type: str = Field(description="urn:perennial:error: and the name of the error")
    title: str
    status: int
    detail: str = Field(description="what happened, to which thing, and what to do next")
    instance: str = Field(description="the path that was asked")
    problems: list[ProblemItem] | None = None
