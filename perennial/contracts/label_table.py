"""A table of labels that somebody else fills: where it is, and which of its columns say what."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import quote

from pydantic import Field, field_validator, model_validator

from perennial.contracts.spec_part import Duration, SpecPart

PREFIX = "PERENNIAL_LABELS_"
"""Of the variables that a spec may name. Whoever writes specs may not read the others: they would
have a worker send its own passwords to an address of theirs."""

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_VARIABLE = re.compile(rf"{PREFIX}[A-Z0-9_]+")
_USER = re.compile(r"://[^/@]*?:([^/@]*)@")
_QUERY = re.compile(r"[?&;][^=&]*(?:password|passwd|secret|token|key|sig)[^=&]*=([^&]*)", re.I)


class LabelColumns(SpecPart):
    """What the columns of a label are called in the table."""

    request_id: str | None = Field(default=None, min_length=1, description="of the request")
    entity: str | None = Field(
        default=None, min_length=1, description="in its place: whose request it was"
    )
    row: str | None = Field(default=None, min_length=1, description="of the request; without it, 0")
    value: str = Field(default="value", min_length=1, description="the class, or the number")
    at: str | None = Field(
        default=None,
        min_length=1,
        description="when the value became known; without it, what the watermark says",
    )
    asked_at: str | None = Field(
        default=None, min_length=1, description="when the request was made: it spares a search"
    )

    @model_validator(mode="after")
    def _of_one_request(self) -> Self:
        if (self.request_id is None) == (self.entity is None):
            raise ValueError(
                "monitoring.labels.columns names the column of request_id, or of entity: one of "
                "both"
            )
        if self.entity is not None and self.asked_at is None:
            raise ValueError(
                "labels of an entity say when it was asked about: name the column of asked_at"
            )
        return self

    def named(self) -> dict[str, str]:
        """The table's name of each column that there is, by ours."""
        return {ours: theirs for ours, theirs in self if theirs is not None}


class LabelTable(SpecPart):
    """Labels in a database or in files, read by the monitor as they come."""

    url: str = Field(
        min_length=1,
        description="SQLAlchemy URL of a database, or fsspec URL of Parquet or CSV (a file, a "
        "folder, or a pattern with *). ${PERENNIAL_LABELS_...} stands for a variable of the ML "
        "worker: a password is never written here",
        examples=["postgresql://labels:${PERENNIAL_LABELS_PASSWORD}@db/warehouse"],
    )
    query: str | None = Field(
        default=None,
        min_length=1,
        max_length=10_000,
        description="SELECT whose rows are labels; with it, url is of a database",
    )
    columns: LabelColumns
    watermark: str = Field(
        min_length=1,
        description="column of the time when a row was written or changed last: what is later "
        "than all that was read is read next. Times without a zone are UTC",
    )
    again: Duration = Field(
        default="1h",
        description="so much before the newest row is read once more: as long as the longest "
        "transaction that writes there, whose rows are seen late",
    )

    @field_validator("url")
    @classmethod
    def _tells_no_secret(cls, url: str) -> str:
        for name in _REFERENCE.findall(url):
            if not _VARIABLE.fullmatch(name):
                raise ValueError(
                    f"a url may stand for variables of the ML worker whose names begin with "
                    f"{PREFIX}, and ${{{name}}} is none"
                )
        told = [*_USER.findall(url), *_QUERY.findall(url)]
        if any(secret and not _REFERENCE.fullmatch(secret) for secret in told):
            raise ValueError(
                f"a password would be kept with the spec and shown: set {PREFIX}PASSWORD where "
                f"the ML worker runs, and write ${{{PREFIX}PASSWORD}} in its place"
            )
        return url

    @field_validator("query")
    @classmethod
    def _is_one(cls, query: str | None) -> str | None:
        return None if query is None else query.strip().rstrip(";").rstrip()


def variables(url: str) -> tuple[str, ...]:
    """Those that a url stands for."""
    return tuple(_REFERENCE.findall(url))


def resolved(url: str, values: dict[str, str]) -> str:
    """The address itself.

    A variable that is the whole url is taken as it is; one within it may hold any character.

    Args:
        url: of a table, as the spec has it.
        values: of its variables.
    """
    if whole := _REFERENCE.fullmatch(url):
        return values[whole[1]]
    return _REFERENCE.sub(lambda found: quote(values[found[1]], safe=""), url)
