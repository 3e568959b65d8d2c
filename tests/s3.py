"""A real S3 server for a check: the Versity gateway over a folder, gone afterwards."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.stack.ports import HOST
from tests.servers import until_listening

BUCKET = "perennial"
_VERSION = "v1.8.0"
_SECONDS = 30


def program() -> Path:
    """The server, built once (some minutes).

    Raises:
        RuntimeError: there is no Go on this machine, or it could not be built.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "perennial" / f"versitygw-{_VERSION}"
    if not (folder / "versitygw").exists():
        if shutil.which("go") is None:
            raise RuntimeError("this check needs go, to build an S3 server with")
        install = ["go", "install", f"github.com/versity/versitygw/cmd/versitygw@{_VERSION}"]
        env = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
        done = subprocess.run(install, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"an S3 server could not be built:\n{done.stderr[-2000:]}")
    return folder / "versitygw"


class Server:
    """One on a port, which can be away for a while. What it keeps is in a folder of its own."""

    def __init__(self, port: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="s3-"))
        (self._folder / BUCKET).mkdir()
        self._log = self._folder.with_suffix(".log")
        self._port = port
        self._secret = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self.env = {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            "AWS_ACCESS_KEY_ID": "check",
            "AWS_SECRET_ACCESS_KEY": self._secret,
            "AWS_REGION": "us-east-1",
        }
        """What a client needs, in the environment, as Amazon's own programs take it."""

    def begin(self) -> None:
        """Answer."""
        env = {**os.environ, "ROOT_ACCESS_KEY": "check", "ROOT_SECRET_KEY": self._secret}
        where = ["--port", f"{HOST}:{self._port}", "--quiet", "posix", str(self._folder)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(program()), *where], env=env, stdout=log, stderr=log, start_new_session=True
            )
        until_listening(self._port, self._process, self._log, _SECONDS)

    def end(self) -> None:
        """Be away."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def clean(self) -> None:
        """Leave nothing."""
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._log.unlink(missing_ok=True)


@contextmanager
def server(port: int) -> Iterator[Server]:
    """A running one."""
    made = Server(port)
    try:
        made.begin()
        yield made
    finally:
        made.clean()
