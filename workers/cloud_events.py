"""Messages that are CloudEvents 1.0: whole in their body (structured), or by headers (binary)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from perennial.contracts.errors import BadInput

DATA_ARRIVED = "dev.perennial.data.arrived"

_SEPARATORS = ("cloudevents:", "cloudevents_", "ce_", "ce-")
"""Before an attribute's name in a header: AMQP's (JMS cannot have a colon), Kafka's, HTTP's."""
_NAMES = {"specversion", "id", "source", "type", "subject", "datacontenttype", "traceparent"}

_Text = Annotated[
    # as CloudEvents say: no control characters
    str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")
]


class EventInvalid(BadInput):
    """A message that is no event of ours."""


class Arrived(BaseModel):
    """What such an event says: which rows, and why that matters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    snapshot: _Text | None = None
    reason: Annotated[str, StringConstraints(max_length=1900, pattern=r"^[^\x00]*$")] = ""


class Event(BaseModel):
    """Rows of a model have arrived. Other attributes, as of extensions, are not looked at.

    Attributes:
        traceparent: the trace that it is part of, by CloudEvents' extension for that.
    """

    model_config = ConfigDict(frozen=True)

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: Literal["dev.perennial.data.arrived"]
    subject: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="the model")]
    traceparent: str = ""
    data: Arrived = Arrived()

    @field_validator("traceparent", mode="before")
    @classmethod
    def _or_none(cls, said: object) -> object:
        """One that makes no sense spoils no event: it is in no trace."""
        return said if isinstance(said, str) else ""

    @property
    def request_id(self) -> str:
        """The same for every delivery: source and id name an event."""
        named = f"{self.source}\0{self.id}".encode()
        return f"event/{hashlib.sha256(named).hexdigest()[:40]}"

    @property
    def reason(self) -> str:
        """In words, with where it came from."""
        where = f"event {self.id[:100]} of {self.source[:100]}"
        return f"{self.data.reason} ({where})" if self.data.reason else where


def read(headers: Mapping[str, Any], content_type: str | None, body: bytes) -> Event:
    """Read a message.

    Args:
        headers: of the message, as its bus has them: text, bytes or numbers.
        content_type: as it says.
        body: as it came.

    Raises:
        EventInvalid: it is no event, none of ours, or its fields are wrong.
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == "application/cloudevents-batch+json":
        raise EventInvalid("it is a batch of events; send each as a message of its own")
    event = _binary(headers, kind, body) or _object(body, "it")
    if "data_base64" in event:
        raise EventInvalid("its data is binary (data_base64); send JSON")
    told = event.get("datacontenttype")
    if told is not None and not _is_json(str(told)):
        raise EventInvalid(f"its data is {str(told)[:60]!r}; send application/json")
    if event.get("data", ...) is None:
        del event["data"]
    try:
        return Event.model_validate(event)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}, got {str(each['input'])[:60]!r}"
            for each in error.errors(include_url=False)
        ]
        raise EventInvalid(f"it is no event {DATA_ARRIVED}: {'; '.join(wrong)}") from None


def _binary(headers: Mapping[str, Any], kind: str, body: bytes) -> dict[str, Any]:
    """The event of a message that names its attributes in headers; empty where none does."""
    found: dict[str, Any] = {}
    for header, value in headers.items():
        for separator in _SEPARATORS:
            name = header.lower().removeprefix(separator)
            if name != header.lower() and name in _NAMES:
                found[name] = (
                    value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                )
    if not found:
        return {}
    found |= {"datacontenttype": kind} if kind else {}
    return found | ({"data": _object(body, "its data")} if body else {})


def _object(body: bytes, what: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EventInvalid(f"{what} is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise EventInvalid(f"{what} is JSON, and no object")
    return said


def _is_json(kind: str) -> bool:
    kind = kind.partition(";")[0].strip().lower()
    return kind.endswith("/json") or kind.endswith("+json")
