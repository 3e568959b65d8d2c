"""Read a stream of server-sent events (the HTML standard's event stream)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """One event. A comment, with which the server shows that it lives, is named `ping`."""

    name: str
    id: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """The events in the lines of a stream; one that is cut off at the end is dropped."""
    name, data = "", list[str]()
    last_id: str | None = None
    for line in lines:
        if not line:
            if data:
                yield Event(name or "message", last_id, _document("\n".join(data)))
            name, data = "", []
            continue
        if line.startswith(":"):
            yield Event("ping", last_id)
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            name = value
        elif key == "data":
            data.append(value)
        elif key == "id" and "\0" not in value:
            last_id = value


def _document(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"value": value}
