"""Answers of one round of the event loop leave together, and none is lost on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest
import uvloop

from perennial.blobs import BlobStore
from serving.desk import Desk
from serving.sending import Sending
from tests.unit.serving.running import PREDICT, Put, deployment, served
from tests.unit.serving.test_at_once import BODY, request

ONE = request(PREDICT, BODY)


class Line(asyncio.Transport):
    """Keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closing


async def test_answers_of_a_round_leave_when_it_ends() -> None:
    sending, line = Sending(), Line()
    just, long_ago = time.monotonic() + 600, time.monotonic() - 600
    sending.put(line, b"a", just)
    assert line.sent == [b"a"], "nobody else was there"
    sending.put(line, b"b", just)
    await asyncio.sleep(0)
    sending.put(line, b"c", just)
    sending.put(line, b"d", long_ago)
    assert line.sent == [b"a", b"b"], "the oldest one's request counts"
    await asyncio.sleep(0)
    assert line.sent == [b"a", b"b", b"c", b"d"]
    sending.put(line, b"e", long_ago)
    assert line.sent[-1] == b"e", "a slow model's answer waits for no other"
    sending.put(line, b"f", just)
    assert line.sent[-1] == b"e"
    await asyncio.sleep(0)
    assert line.sent[-1] == b"f"
    sending.put(line, b"g", just)
    assert line.sent[-1] == b"f"
    await asyncio.sleep(0)
    sending.put(line, b"h", just)
    assert line.sent[-2:] == [b"g", b"h"], "a round with one answer was the last one"


async def test_a_connection_that_is_gone_is_not_written_to() -> None:
    sending, line, other = Sending(), Line(), Line()
    for _ in range(2):
        sending.put(line, b"a", time.monotonic() + 600)
    await asyncio.sleep(0)
    sending.put(line, b"b", time.monotonic() + 600)
    sending.put(other, b"c", time.monotonic() + 600)
    line.closing = True
    await asyncio.sleep(0)
    assert (line.sent, other.sent) == ([b"a", b"a"], [b"c"])


async def busy(desk: Desk, put: Put) -> None:
    """A server whose rounds have several answers, and connections that end behind the last."""
    await desk.take(deployment(put))
    async with served(desk) as client:

        async def asked(last: bytes) -> bytes:
            where = client.base_url
            reader, writer = await asyncio.open_connection(where.host, where.port)
            for _ in range(50):
                writer.write(ONE * 3)
                for _ in range(3):
                    await asyncio.wait_for(reader.readuntil(b'"1"}'), 20)
            writer.write(last)
            if last == ONE:
                writer.write_eof()
            found = await asyncio.wait_for(reader.read(), 20)
            writer.close()
            return found

        last = request(PREDICT, BODY, "POST", "connection: close")
        wrong = ONE * 2 + b"no request at all\r\n\r\n"
        ends = await asyncio.gather(*[asked(each) for each in (ONE, wrong, last) * 3])
        for alone, refused, closed in zip(ends[::3], ends[1::3], ends[2::3], strict=True):
            assert alone.count(b"HTTP/1.1 200 OK") == 1 and alone.endswith(b"}")
            assert refused.count(b"HTTP/1.1 200 OK") == 2
            assert refused.rpartition(b"HTTP/1.1 ")[2].startswith(b"400 "), "behind what was well"
            assert closed.count(b"HTTP/1.1 200 OK") == 1 and b"connection: close" in closed


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_answers_arrive_before_the_connection_ends(loop: Any, blobs: BlobStore, put: Put) -> None:
    def run(what: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(what)

    run(busy(Desk(blobs), put))
