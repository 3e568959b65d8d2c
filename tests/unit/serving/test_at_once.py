"""Requests that arrive as a whole, and the same ones in parts: answered alike."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from perennial.blobs import BlobStore
from serving.app import App
from serving.at_once import AtOnce
from serving.counting import Counting
from serving.desk import Desk, Served
from serving.limits import Limits
from serving.responses import Answer
from tests.unit.serving.running import INFER, PREDICT, ROW, Put, deployment, served

BODY = json.dumps({"instances": [ROW]}).encode()


def request(path: str, body: bytes = b"", method: str = "POST", *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: a", "x-request-id: mine", *headers]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def answers(client: httpx.AsyncClient, *parts: bytes) -> bytes:
    """All that one connection is sent for these parts, until the server closes it."""
    where = client.base_url
    reader, writer = await asyncio.open_connection(where.host, where.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    found = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return found


async def in_parts(client: httpx.AsyncClient, path: str, body: bytes) -> bytes:
    """The answer to a request whose body is sent once the server asks for it."""
    where = client.base_url
    reader, writer = await asyncio.open_connection(where.host, where.port)
    head = request(path, body, "POST", "connection: close", "expect: 100-continue")
    writer.write(head.removesuffix(body))
    found = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    if found.startswith(b"HTTP/1.1 100 "):
        found = b""
        writer.write(body)
    found += await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return found


def told(answer: bytes) -> tuple[bytes, set[bytes], bytes]:
    """Status line, headers but for the date, and body of one answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    return status, {each for each in headers if not each.startswith(b"date:")}, body


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (PREDICT, BODY, 200),
        (PREDICT, json.dumps({"instances": [ROW] * 100}).encode(), 200),
        (PREDICT, json.dumps({"instances": [ROW, {}]}).encode(), 422),
        (PREDICT, json.dumps({"instances": [{**ROW, "p0": 5000}]}).encode(), 500),
        (PREDICT, b" " * 9000, 413),
        (INFER, b"[]", 400),
        ("/v2/models/nobody/infer", b"{}", 404),
        ("/v2/models/flights/versions/1/infer", b"{}", 400),
    ],
)
async def test_a_whole_request_is_answered_as_one_in_parts(
    desk: Desk, put: Put, path: str, body: bytes, status: int
) -> None:
    await desk.take(deployment(put))
    async with served(desk, body_bytes=8000) as client:
        at_once = await answers(client, request(path, body, "POST", "connection: close"))
        asked_for = await in_parts(client, path, body)
    assert at_once.startswith(b"HTTP/1.1 %d " % status) and b"\r\nconnection: close\r\n" in at_once
    assert told(at_once) == told(asked_for)


async def test_requests_behind_each_other_are_answered_in_their_order(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    large = json.dumps({"instances": [ROW] * 200}).encode()
    one, other = request(PREDICT, BODY), request(PREDICT, large)
    last = request("/v2/models/flights", b"", "GET", "connection: close")
    async with served(desk, inline_rows=64) as client:
        found = await answers(client, one + other + one + other[:-5], other[-5:] + one + last)
        many = await answers(client, one * 40 + other + last)
    lengths = [int(part.split(b"\r\n")[0]) for part in found.split(b"content-length: ")[1:]]
    assert found.count(b"HTTP/1.1 200 OK") == 6
    short, long = lengths[0], lengths[1]
    assert lengths[:5] == [short, long, short, long, short] and long > 100 * short
    bodies = [int(part.split(b"\r\n")[0]) for part in many.split(b"content-length: ")[1:]]
    assert bodies == [*[short] * 40, long, lengths[-1]], "more than are answered in a row"


async def test_a_connection_is_kept_and_a_client_that_waits_is_told_to_go_on(
    desk: Desk, put: Put
) -> None:
    await desk.take(deployment(put))
    waits = request(PREDICT, BODY, "POST", "expect: 100-continue")
    old = request(PREDICT, BODY).replace(b"HTTP/1.1", b"HTTP/1.0")
    async with served(desk) as client:
        found = await answers(client, request(PREDICT, BODY), waits, old)
    assert found.count(b"HTTP/1.1 200 OK") == 3 and found.count(b"HTTP/1.1 100 Continue") == 1
    assert found.count(b"connection: close") == 1, "by the last one, which is of HTTP 1.0"


class Broken(Desk):
    """A desk with a fault."""

    def find(self, model: str) -> Served:
        raise ZeroDivisionError(f"a fault of ours about {model}")


async def test_a_fault_of_ours_is_answered_and_said(
    blobs: BlobStore, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served(Broken(blobs)) as client:
        found = await answers(client, request(PREDICT, BODY))
    assert found.startswith(b"HTTP/1.1 500 ") and b"a fault" not in found
    assert "a fault of ours about flights" in capsys.readouterr().err


class Faulty(Counting):
    """Counts nothing, but for how often it was asked to."""

    asked = 0

    def answered(self, *about: Any) -> None:
        self.asked += 1
        raise ZeroDivisionError("a fault of ours in counting")


@pytest.mark.parametrize("http", [AtOnce, HttpToolsProtocol])
async def test_what_cannot_be_counted_is_answered_all_the_same(
    http: type[asyncio.Protocol], desk: Desk, put: Put, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.take(deployment(put))
    counting, asked = Faulty(), request(PREDICT, BODY)
    async with served(desk, counting, http=http) as client:
        found = await answers(client, asked, request(PREDICT, BODY, "POST", "connection: close"))
    assert found.count(b"HTTP/1.1 200 OK") == 2 == counting.asked
    assert "a fault of ours in counting" in caplog.text


async def test_an_answer_leaves_before_it_is_counted(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    counting, seen = Counting(), list[tuple[int, int]]()

    def write(answer: Answer) -> None:
        seen.append((answer.status, sum(each.requests for each in counting.tallies())))

    app = App(desk, Limits(), counting)
    for _ in range(2):
        assert app.begin("POST", PREDICT, [], BODY, time.monotonic(), write) is None
    assert seen == [(200, 0), (200, 1)]
    assert sum(each.requests for each in counting.tallies()) == 2
