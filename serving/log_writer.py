"""The log of requests, written by a process of its own.

What becomes a file is encoded beside the requests, not between them: a thread that encodes holds
the interpreter for milliseconds, and each request that comes meanwhile waits for it. The process
ends with the one that started it, once it has written what it has. `python -m serving.log_writer
FD URL NAME`.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from pickle import PickleBuffer
from threading import Lock
from typing import TYPE_CHECKING

from serving import log_files, memory
from serving.log_files import LogFiles

if TYPE_CHECKING:
    from serving.pages import Page

_NICE = 10
"""Requests come first where there are not cores enough."""
_END_SECONDS = 10.0


class LogWriter:
    """`LogFiles` in another process. Its calls block, and come from one thread at a time."""

    def __init__(self, url: str, process: str) -> None:
        """Nothing is started yet.

        Args:
            url: where the files go, as fsspec has it.
            process: whose requests they are; part of their names.
        """
        self._url, self._name = url, process
        self._child: tuple[subprocess.Popen[bytes], Connection] | None = None
        self._starting = Lock()

    def load(self) -> None:
        """Start the process, and keep memory at hand, before the first request."""
        memory.keep()
        self._connection()

    def write(self, page: Page) -> None:
        """Write requests, a file for each hour that they are of.

        Raises:
            OSError: they could not be written, or the process is gone; the next page starts one.
        """
        connection, buffers = self._connection(), list[PickleBuffer]()
        head = pickle.dumps(page, protocol=5, buffer_callback=buffers.append)
        try:
            connection.send((head, len(buffers)))
            for buffer in buffers:
                connection.send_bytes(buffer.raw())
            failure: str = connection.recv()
        except (OSError, EOFError) as error:
            self.close()
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

    def _connection(self) -> Connection:
        with self._starting:  # by a page, and by a deployment that comes at the same time
            if self._child is None:
                ours, theirs = socket.socketpair()
                with theirs:
                    command = [sys.executable, "-m", "serving.log_writer", str(theirs.fileno())]
                    process = subprocess.Popen(
                        [*command, self._url, self._name],
                        stdin=subprocess.DEVNULL,
                        pass_fds=[theirs.fileno()],
                    )
                self._child = process, Connection(ours.detach())
            return self._child[1]


def main() -> None:
    """Write what comes until nobody is left to send."""
    fd, url, name = sys.argv[1:]
    # a signal to all processes of a group is for the one that answers: it sends what it still has
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)
    connection, files = Connection(int(fd)), LogFiles(url, name)
    log_files.load()
    while True:
        try:
            head, parts = connection.recv()
            buffers = [connection.recv_bytes() for _ in range(parts)]
        except (EOFError, OSError):  # whoever sends is gone, perhaps in the middle of a page
            return
        failure = ""
        try:
            files.write(pickle.loads(head, buffers=buffers))
        except Exception as error:  # said to whoever counts what is lost
            failure = f"{type(error).__name__}: {error}"
        try:
            connection.send(failure)
        except OSError:
            return


if __name__ == "__main__":
    main()
