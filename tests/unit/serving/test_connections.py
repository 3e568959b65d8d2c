"""What arrives on a connection in whatever pieces, and how long a connection is kept."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from itertools import pairwise

import httpx
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.desk import Desk
from tests.unit.serving.running import PREDICT, ROW, Put, deployment, served
from tests.unit.serving.test_at_once import BODY, answers, request, told

LAST = request("/v2/models/flights", b"", "GET", "connection: close")


async def answers_of(client: httpx.AsyncClient, parts: list[bytes]) -> list[object]:
    """Each answer's status, headers and body, in their order."""
    found = await answers(client, *parts)
    return [told(b"HTTP/1.1 " + each) for each in found.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    "sent",
    [
        request(PREDICT.replace("f", "%66"), BODY),
        request(PREDICT + "?debug=1", BODY),
        request("http://somewhere" + PREDICT, BODY),
        request(PREDICT, BODY).replace(b"HTTP/1.1", b"HTTP/1.0"),
        request(PREDICT, BODY, "POST", "connection: upgrade", "upgrade: websocket"),
        request(PREDICT, BODY, "PUT"),
        request("/v2/health/live", b"", "HEAD"),
        request(PREDICT, b"", "POST", "transfer-encoding: chunked")
        + b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
        + b"0\r\n\r\n",
        request(PREDICT, b""),
        b"POST nowhere HTTP/1.1\r\n\r\n",
        b"no request at all\r\n\r\n",
    ],
    ids=[
        "quoted",
        "query",
        "proxy",
        "old",
        "upgrade",
        "put",
        "head",
        "chunks",
        "empty",
        "url",
        "no",
    ],
)
async def test_what_is_sent_is_answered_as_uvicorn_alone_answers_it(
    desk: Desk, put: Put, sent: bytes
) -> None:
    await desk.take(deployment(put))
    async with (
        served(desk, keep_alive=1) as ours,
        served(desk, http=HttpToolsProtocol, keep_alive=1) as theirs,
    ):
        found, wanted = [await answers_of(each, [sent, LAST]) for each in (ours, theirs)]
    assert found == wanted and found


async def test_requests_may_be_cut_anywhere(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    waits = request(PREDICT, BODY, "POST", "expect: 100-continue")
    stream = request(PREDICT, BODY) + waits + request("/v2", b"", "GET") + LAST
    async with served(desk) as client:
        whole = await answers_of(client, [stream])
        for place in range(1, len(stream), 3):
            assert await answers_of(client, [stream[:place], stream[place:]]) == whole, place
        cuts = pairwise(range(0, len(stream) + 7, 7))
        assert await answers_of(client, [stream[start:end] for start, end in cuts]) == whole
    assert len(whole) == 5, "and one to go on"


async def test_a_large_request_is_awaited_and_the_next_one_answered(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    large = json.dumps({"instances": [ROW] * 3000}).encode()
    assert len(large) > 64 * 1024
    async with served(desk, body_bytes=10**6) as client:
        found = await answers_of(client, [request(PREDICT, large) + request(PREDICT, BODY) + LAST])
    assert len(found) == 3


async def test_a_connection_on_which_nobody_asks_is_closed_and_others_are_not(
    desk: Desk, put: Put
) -> None:
    await desk.take(deployment(put))
    one = request(PREDICT, BODY)
    async with served(desk, keep_alive=1) as client:
        where, port = client.base_url.host, client.base_url.port
        reader, writer = await asyncio.open_connection(where, port)
        began = asyncio.get_running_loop().time()
        silent = asyncio.create_task(answers(client, one))
        while not silent.done():  # asked again and again, at least once while the other is silent
            writer.write(one)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
        took = asyncio.get_running_loop().time() - began
        writer.write(request(PREDICT, BODY, "POST", "connection: close"))
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 200 ")
        writer.close()
    assert (await silent).startswith(b"HTTP/1.1 200 ") and took >= 1


@pytest.mark.parametrize("begun", [b"", b"POST /v2 HTTP/1.1\r\nhost: a\r\n"], ids=["none", "half"])
async def test_a_head_that_does_not_come_is_not_waited_for(desk: Desk, begun: bytes) -> None:
    async with served(desk, keep_alive=1) as client:
        assert await answers(client, begun) == b""


async def test_a_body_may_take_longer_than_a_head(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    slow = request(PREDICT, BODY, "POST", "expect: 100-continue").removesuffix(BODY)
    async with served(desk, keep_alive=1) as client:
        silent = asyncio.create_task(answers(client, b"POST /v2 HTTP/1.1\r\n"))
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(slow)
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)  # it is to go on
        writer.write(BODY[:5])
        assert await silent == b"", "and a second has gone by"
        writer.write(BODY[5:] + LAST)
        assert (await asyncio.wait_for(reader.read(), 20)).count(b"HTTP/1.1 200 ") == 2
        writer.close()


async def test_the_rest_of_a_body_is_waited_for_so_long_and_of_so_many(
    desk: Desk, put: Put
) -> None:
    await desk.take(deployment(put))
    half, rest = request(PREDICT, BODY)[:-5], request(PREDICT, BODY)[-5:]
    async with served(desk, arriving=2, seconds=1, keep_alive=1) as client:
        said = sorted(await asyncio.gather(*[answers(client, half) for _ in range(5)]))
        assert [each[:13] for each in said] == [b"HTTP/1.1 408 "] * 2 + [b"HTTP/1.1 429 "] * 3
        assert b"connection: close" in said[0] and b"has not arrived within 1 s" in said[0]
        assert (await answers(client, half, rest + LAST)).startswith(b"HTTP/1.1 200 ")


async def test_a_server_that_stops_answers_what_is_arriving(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    one = request(PREDICT, BODY)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(served(desk))
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(one + one[:-5])
        await asyncio.wait_for(reader.readuntil(b'"1"}'), 20)  # of the first; the other has begun
        stopping = asyncio.create_task(stack.aclose())
        refused = False
        while not refused:  # it listens no more
            try:
                (await asyncio.open_connection(client.base_url.host, client.base_url.port))[
                    1
                ].close()
            except ConnectionError:
                refused = True
        writer.write(one[-5:])
        found = await asyncio.wait_for(reader.read(), 20)
        assert b"HTTP/1.1 200 " in found and b"connection: close" in found
        writer.close()
        await stopping


async def test_a_connection_that_is_gone_leaves_nothing_behind(desk: Desk, put: Put) -> None:
    await desk.take(deployment(put))
    async with served(desk, keep_alive=3600) as client:
        for _ in range(3):
            reader, writer = await asyncio.open_connection(
                client.base_url.host, client.base_url.port
            )
            writer.write(request(PREDICT, BODY))
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            writer.close()
            await writer.wait_closed()
        await answers(client, LAST)
        waiting = [
            each
            for each in asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
            if not each.cancelled() and "keep_alive" in repr(each)
        ]
    assert not waiting
