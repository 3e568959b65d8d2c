"""Labels, as people and pipelines send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from api.schemas.base import Answer, Ask, Instant
from perennial.contracts.labels import Label

MOST = 10_000
_SKEW = timedelta(minutes=5)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def _has_been(at: datetime) -> datetime:
    if at > datetime.now(UTC) + _SKEW:
        raise ValueError("a time that has come: this one is in the future")
    if at < _EARLIEST:
        raise ValueError("a time from 1970 on")
    return at


def _not_too_many(labels: object) -> object:
    # not in the schema: generators would make so many only to send more than a body may have
    if isinstance(labels, list) and len(labels) > MOST:
        raise ValueError(
            f"{MOST:,} labels at most, and these are {len(labels):,}: send the rest apart"
        )
    return labels


Past = Annotated[Instant, AfterValidator(_has_been)]


class LabelBody(Label):
    """The truth about one row of a request, which is named by its id, or by an entity and a time.

    Nothing may be known, or asked, later than five minutes from now; and nothing is known more than
    five minutes before it was asked: clocks differ by less.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Past = Field(description="when the value became known")
    asked_at: Past | None = Field(
        default=None, description="when the request was made: it spares a search of the log"
    )

    @model_validator(mode="after")
    def _known_after_it_was_asked(self) -> Self:
        if self.asked_at is not None and self.at < self.asked_at - _SKEW:
            raise ValueError("at is before asked_at: it was known before it was asked")
        return self


class LabelsRequest(Ask):
    """Labels, in any order. Sent again they change nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "labels": [
                        {
                            "request_id": "6f1d0c8e5b7a4c0f9a3e2d1b0c9f8e7d",
                            "value": True,
                            "at": "2026-03-01T12:00:00Z",
                            "asked_at": "2026-02-26T08:15:00Z",
                        },
                        {
                            "entity": "customer-17",
                            "row": 0,
                            "value": "late",
                            "at": "2026-03-01T12:00:00Z",
                            "asked_at": "2026-02-26T08:20:00Z",
                        },
                    ]
                }
            ]
        }
    )

    labels: Annotated[list[LabelBody], BeforeValidator(_not_too_many)] = Field(
        min_length=1, description=f"{MOST:,} at most, in a body of 1 MiB at most"
    )


class LabelTableDetail(Answer):
    """The table that a model's labels are read from, and how far that is."""

    watermark: AwareDatetime | None = Field(description="of the newest row that was read")
    read_at: AwareDatetime | None = Field(description="when it was read last")
    rows: int = Field(description="that were read, whatever became of them")
    refused: int = Field(description="of them, those that are no labels")
    problems: list[str] = Field(description="what is wrong with the newest of those")
    error: str = Field(description="why it cannot be read now; empty where it can")
    away_since: AwareDatetime | None = Field(description="since when")


class LabelsDetail(Answer):
    """The labels of a model."""

    waiting: int = Field(description="their request is not found yet")
    joined: int = Field(description="their request is found")
    given_up: int = Field(
        description="looked for in vain for as long as `monitoring.quality.within` says"
    )
    changed: int = Field(description="of all of them, those that were another value once")
    newest: AwareDatetime | None = Field(description="when the last one came; none: none did")
    table: LabelTableDetail | None = Field(
        description="that the spec has them read from; none: it names none, or it was not read yet"
    )
