"""The same requests and answers by a server in C that computes nothing: what HTTP takes by itself.

Whoever answers requests over HTTP takes that, and what it computes besides.
"""

from __future__ import annotations

import http.client
import subprocess
import sysconfig
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.serving import load, server
from benchmarks.serving.load import Found, Request
from benchmarks.serving.server import ServerFailed

NAME = "HTTP alone"
_SOURCE = Path(__file__).with_suffix(".c")


def build(folder: Path) -> Path:
    """The program.

    Raises:
        ServerFailed: there is no compiler, or it cannot.
    """
    program = folder / "bare_http"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    command = [*compiler, "-O2", "-o", str(program), str(_SOURCE)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ServerFailed(f"{NAME}: no C compiler: {error}") from error
    if done.returncode:
        raise ServerFailed(f"{NAME} could not be built: {done.stderr[-1000:]}")
    return program


def whole_answer(request: Request) -> bytes:
    """What a server says to it, from its first byte to its last."""
    parts = urlsplit(request.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    try:
        headers = dict(request.headers)
        connection.request("POST", parts.path, request.body.read_bytes(), headers)
        answer = connection.getresponse()
        head = "".join(f"{name}: {value}\r\n" for name, value in answer.getheaders())
        return f"HTTP/1.1 {answer.status} {answer.reason}\r\n{head}\r\n".encode() + answer.read()
    finally:
        connection.close()


def put(
    program: Path, request: Request, answer: bytes, folder: Path, number: int, seconds: int
) -> Found:
    """Keep connections busy with it.

    Args:
        program: that was built.
        request: as another server was sent it.
        answer: of that server, byte for byte.
        folder: of its own.
        number: of connections.
        seconds: for so long.

    Raises:
        ServerFailed: it did not start.
    """
    port, kept = server.free_port(), folder / "answer"
    kept.write_bytes(answer)
    here = request._replace(url=f"http://127.0.0.1:{port}{urlsplit(request.url).path}")
    command = [str(program), str(port), str(kept)]
    with server.running(NAME, command, {}, folder / "bare_http.txt", here):
        return load.put(here, number, seconds)
