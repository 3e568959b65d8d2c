"""The log of requests, written by a process of its own.

What becomes a file is encoded beside the requests, not between them: a thread that encodes holds
the interpreter for milliseconds, and each request that comes meanwhile waits for it. Both
see the memory in which the requests stand, so none of them is copied. A page is handed over by the
event loop: a thread that waits for the interpreter is woken by each model that is computed, and
mostly comes too late. The process ends with the one that started it, once it has written what it
has. `python -m serving.log_writer FD MEMORY URL NAME`.
"""

from __future__ import annotations

import asyncio
import gc
import io
import os
import signal
import socket
import struct
import subprocess
import sys
from mmap import PROT_READ, mmap
from multiprocessing.reduction import ForkingPickler
from threading import Lock

from serving import log_files
from serving.log_files import LogFiles
from serving.pages import Page
from serving.records import halves_of
from serving.standing_back import stand_back

_NICE = 10
"""Requests come first where there are not cores enough."""
_END_SECONDS = 10.0
_SIZE = struct.Struct("=Q")
"""Of what follows it."""


class LogWriter:
    """`LogFiles` in another process. What writes is called by one event loop, page after page."""

    def __init__(self, url: str, process: str) -> None:
        """Nothing is started yet.

        Args:
            url: where the files go, as fsspec has it.
            process: whose requests they are; part of their names.
        """
        self._url, self._name = url, process
        self._shared = os.fdopen(os.memfd_create("requests"), "r+b", buffering=0)
        self._child: tuple[subprocess.Popen[bytes], socket.socket] | None = None
        self._starting = Lock()

    def load(self) -> None:
        """Start the process, before the first request."""
        self._connection()

    def memory(self, size: int) -> mmap:
        """So many bytes, which the process sees too; they take no room before they are used."""
        self._shared.truncate(size)
        return mmap(self._shared.fileno(), size)

    async def write(self, page: Page) -> None:
        """Write requests, a file for each hour that they are of.

        Raises:
            OSError: they could not be written, or the process is gone; the next page starts one.
        """
        child = self._child[1] if self._child else await asyncio.to_thread(self._connection)
        message, loop = ForkingPickler.dumps(page), asyncio.get_running_loop()
        try:
            await loop.sock_sendall(child, _SIZE.pack(len(message)) + message)
            [size] = _SIZE.unpack(await _received(child, _SIZE.size))
            failure = (await _received(child, size)).decode()
        except (OSError, EOFError) as error:
            await asyncio.to_thread(self.close)
            raise OSError(
                f"the process that writes the log of requests is gone: {error}"
            ) from error
        if failure:
            raise OSError(failure)

    def close(self) -> None:
        """End the process; it has written all that it was given."""
        if self._child is None:
            return
        (process, connection), self._child = self._child, None
        connection.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _connection(self) -> socket.socket:
        with self._starting:  # by a page, and by a deployment that comes at the same time
            if self._child is None:
                ours, theirs = socket.socketpair()
                with theirs:
                    fds = theirs.fileno(), self._shared.fileno()
                    command = [sys.executable, "-m", "serving.log_writer", *map(str, fds)]
                    process = subprocess.Popen(
                        [*command, self._url, self._name],
                        stdin=subprocess.DEVNULL,
                        pass_fds=fds,
                    )
                ours.setblocking(False)
                self._child = process, ours
            return self._child[1]


async def _received(sender: socket.socket, size: int) -> bytes:
    loop, found = asyncio.get_running_loop(), b""
    while len(found) < size:
        more = await loop.sock_recv(sender, size - len(found))
        if not more:
            raise EOFError("it has closed its end")
        found += more
    return found


def _message(sender: io.BufferedRWPair) -> bytes:
    """The next one; empty once nobody is left to send, or is gone in the middle of it."""
    head = sender.read(_SIZE.size)
    size = _SIZE.unpack(head)[0] if len(head) == _SIZE.size else 0
    found = sender.read(size)
    return found if len(found) == size else b""


def main() -> None:
    """Write what comes until nobody is left to send."""
    fd, shared, url, name = sys.argv[1:]
    # a signal to all processes of a group is for the one that answers: it sends what it still has
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    stand_back(_NICE)
    files, halves = LogFiles(url, name), list[memoryview]()
    sender = socket.socket(fileno=int(fd)).makefile("rwb")
    log_files.load()
    # columns are made of a hundred thousand pieces, for which all that was loaded would be looked
    # through dozens of times
    gc.freeze()
    gc.disable()
    while True:
        try:
            message = _message(sender)
        except OSError:
            return
        if not message:
            return
        page: Page = ForkingPickler.loads(message)
        # the memory is there once there is a page
        halves = halves or halves_of(mmap(int(shared), 0, prot=PROT_READ))
        page.memory = halves[page.number]
        failure = ""
        try:
            files.write(page)
        except Exception as error:  # said to whoever counts what is lost
            failure = f"{type(error).__name__}: {error}"
        gc.collect()
        said = failure.encode()
        try:
            sender.write(_SIZE.pack(len(said)) + said)
            sender.flush()
        except OSError:
            return


if __name__ == "__main__":
    main()
