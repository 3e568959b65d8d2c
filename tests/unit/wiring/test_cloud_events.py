"""Messages that are events of ours, in each form that they come in, and those that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workers.cloud_events import EventInvalid, read

WHOLE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "42",
    "source": "/lake/flights",
    "type": "dev.perennial.data.arrived",
    "subject": "flights",
    "data": {"snapshot": "2013-04", "reason": "April is complete"},
}
STRUCTURED = "application/cloudevents+json; charset=utf-8"
ATTRIBUTES = {name: WHOLE[name] for name in ("specversion", "id", "source", "type", "subject")}


def body(**changes: Any) -> bytes:
    changed = WHOLE | changes
    return json.dumps({name: value for name, value in changed.items() if value is not ...}).encode()


@pytest.mark.parametrize("content_type", [STRUCTURED, "application/json", None])
def test_one_that_is_whole_in_its_body(content_type: str | None) -> None:
    event = read({}, content_type, body(extension="of somebody's"))
    assert (event.subject, event.data.snapshot) == ("flights", "2013-04")
    assert event.reason == "April is complete (event 42 of /lake/flights)"


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce_", "ce-"])
@pytest.mark.parametrize("encoded", [False, True])
def test_one_whose_attributes_are_headers(prefix: str, encoded: bool) -> None:
    headers = {
        f"{prefix}{name}": value.encode() if encoded else value
        for name, value in ATTRIBUTES.items()
    }
    event = read(headers, "application/json", json.dumps(WHOLE["data"]).encode())
    assert event == read({}, STRUCTURED, body())
    assert read(headers, None, b"").data.snapshot is None


def test_the_trace_that_it_is_part_of_comes_either_way() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert read({}, STRUCTURED, body(traceparent=parent)).traceparent == parent
    headers = ATTRIBUTES | {"traceparent": parent}
    binary = {f"ce_{name}": value.encode() for name, value in headers.items()}
    assert read(binary, None, b"").traceparent == parent
    assert read({}, STRUCTURED, body(traceparent=7)).traceparent == ""


def test_source_and_id_name_it_and_nothing_else_does() -> None:
    first = read({}, STRUCTURED, body()).request_id
    assert read({}, STRUCTURED, body(data=...)).request_id == first
    assert read({}, STRUCTURED, body(data=None)).request_id == first
    for other in ({"id": "43"}, {"source": "/lake"}, {"source": "/lake/flights4", "id": "2"}):
        assert read({}, STRUCTURED, body(**other)).request_id != first
    assert len(first) <= 200


@pytest.mark.parametrize(
    ("content_type", "said", "says"),
    [
        (None, b"", "is not JSON"),
        (STRUCTURED, b"\xff\xfe", "is not JSON"),
        (STRUCTURED, b"[" * 100_000, "is not JSON"),
        (STRUCTURED, b"[]", "no object"),
        (STRUCTURED, b"{}", "specversion: Field required"),
        ("application/cloudevents-batch+json", b"[]", "batch"),
        (STRUCTURED, body(specversion="0.3"), "specversion"),
        (STRUCTURED, body(type="com.example.other"), "type"),
        (STRUCTURED, body(id=""), "id"),
        (STRUCTURED, body(id=7), "id: Input should be a valid string, got '7'"),
        (STRUCTURED, body(source="a\0b"), "source"),
        (STRUCTURED, body(subject=...), "subject: Field required"),
        (STRUCTURED, body(subject="No Model"), "subject"),
        (STRUCTURED, body(data={"snapshots": "x"}), "data.snapshots: Extra inputs"),
        (STRUCTURED, body(data={"snapshot": 4}), "data.snapshot"),
        (STRUCTURED, body(data="April"), "data"),
        (STRUCTURED, body(data=..., data_base64="QQ=="), "data_base64"),
        (STRUCTURED, body(datacontenttype="text/xml", data="<a/>"), "text/xml"),
    ],
)
def test_what_is_none_is_told_why(content_type: str | None, said: bytes, says: str) -> None:
    with pytest.raises(EventInvalid) as caught:
        read({}, content_type, said)
    assert says in caught.value.message


def test_data_of_headers_must_be_json_too() -> None:
    headers = {f"ce_{name}": value for name, value in ATTRIBUTES.items()}
    for content_type, said in (("text/plain", b"April"), ("application/json", b"April")):
        with pytest.raises(EventInvalid, match=r"(?i)json"):
            read(headers, content_type, said)
