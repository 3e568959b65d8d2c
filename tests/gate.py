"""A gate before a server: shut, the server is away for those who come through it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from infra.stack.ports import HOST
from tests.servers import free_port


class Gate:
    """Passes connections on from a port of its own, while it is open."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self.behind = port
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Let connections through, if it does not yet."""
        if self._server is not None:
            return
        self._server = await asyncio.start_server(self._let_through, HOST, self.port)

    def shut(self) -> None:
        """Cut those that are there, and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._passing:
            writer.transport.abort()

    async def _let_through(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, back = await asyncio.open_connection(HOST, self.behind)
        ours = {writer, back}
        self._passing |= ours
        try:
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            self._passing -= ours
            for end in ours:
                end.close()


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while read := await source.read(65536):
            to.write(read)
            await to.drain()
    to.close()
