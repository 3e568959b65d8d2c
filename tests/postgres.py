"""A real PostgreSQL server for tests: its own folder, its own port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_USER = "postgres"


def binaries() -> Path:
    """The folder of the server's programs.

    Raises:
        RuntimeError: there is no PostgreSQL on this machine.
    """
    # Debian keeps the server off PATH, in a folder for each version
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    config = shutil.which("pg_config")
    told = subprocess.run([config, "--bindir"], capture_output=True, text=True) if config else None
    for folder in (
        *([Path(on_path).resolve().parent] if on_path else []),
        *([Path(told.stdout.strip())] if told else []),
        *debian,
    ):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError(
        "these tests need a PostgreSQL server: install the package postgresql (Debian), or put "
        "initdb and postgres on PATH"
    )


@contextmanager
def server() -> Iterator[str]:
    """A running server, as a SQLAlchemy URL of its first database."""
    programs = binaries()
    # the socket's path has a short limit, and the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    run_as: dict[str, object] = {}
    if os.getuid() == 0:
        entry = pwd.getpwnam(_USER)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        run_as = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    data = folder / "data"
    _run([programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-N"], folder, run_as)
    port = _free_port()
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c max_connections=50"
    control = [programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w"]
    _run([*control, "-o", options, "start"], folder, run_as)
    try:
        yield f"postgresql://{_USER}@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-m", "immediate", "stop"], folder, run_as)
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[object], cwd: Path, run_as: dict[str, object]) -> None:
    # the server inherits the pipes of the program that starts it, so there are none
    with (cwd / "out").open("ab") as out:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            **run_as,  # type: ignore[call-overload]
        )
    if done.returncode:
        logs = [path.read_text() for path in (cwd / "out", cwd / "log") if path.exists()]
        raise RuntimeError(f"{command[0]} failed:\n" + "\n".join(logs))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
