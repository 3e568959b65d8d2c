"""The log of requests, written by a process of its own.

What becomes a file is encoded beside the requests, not between them: a thread that encodes holds
the interpreter for milliseconds, and each request that comes meanwhile waits for it. Both
see the memory in which the requests stand, so none of them is copied. The process ends with the one
that started it, once it has written what it has. `python -m serving.log_writer FD MEMORY URL NAME`.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
from mmap import PROT_READ, mmap
from multiprocessing.connection import Connection
from threading import Lock

from serving import log_files
from serving.log_files import LogFiles
from serving.pages import Page
from serving.records import halves_of
from serving.standing_back import stand_back

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
        self._shared = os.fdopen(os.memfd_create("requests"), "r+b", buffering=0)
        self._child: tuple[subprocess.Popen[bytes], Connection] | None = None
        self._starting = Lock()

    def load(self) -> None:
        """Start the process, before the first request."""
        self._connection()

    def memory(self, size: int) -> mmap:
        """So many bytes, which the process sees too; they take no room before they are used."""
        self._shared.truncate(size)
        return mmap(self._shared.fileno(), size)

    def write(self, page: Page) -> None:
        """Write requests, a file for each hour that they are of.

        Raises:
            OSError: they could not be written, or the process is gone; the next page starts one.
        """
        connection = self._connection()
        try:
            connection.send(page)
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
                    fds = theirs.fileno(), self._shared.fileno()
                    command = [sys.executable, "-m", "serving.log_writer", *map(str, fds)]
                    process = subprocess.Popen(
                        [*command, self._url, self._name],
                        stdin=subprocess.DEVNULL,
                        pass_fds=fds,
                    )
                self._child = process, Connection(ours.detach())
            return self._child[1]


def main() -> None:
    """Write what comes until nobody is left to send."""
    fd, shared, url, name = sys.argv[1:]
    # a signal to all processes of a group is for the one that answers: it sends what it still has
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    stand_back(_NICE)
    connection, files, halves = Connection(int(fd)), LogFiles(url, name), list[memoryview]()
    log_files.load()
    # columns are made of a hundred thousand pieces, for which all that was loaded would be looked
    # through dozens of times
    gc.freeze()
    gc.disable()
    while True:
        try:
            page: Page = connection.recv()
        except (EOFError, OSError):  # whoever sends is gone, perhaps in the middle of a page
            return
        # the memory is there once there is a page
        halves = halves or halves_of(mmap(int(shared), 0, prot=PROT_READ))
        page.memory = halves[page.number]
        failure = ""
        try:
            files.write(page)
        except Exception as error:  # said to whoever counts what is lost
            failure = f"{type(error).__name__}: {error}"
        gc.collect()
        try:
            connection.send(failure)
        except OSError:
            return


if __name__ == "__main__":
    main()
