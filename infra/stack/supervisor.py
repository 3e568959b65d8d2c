"""supervisord: its configuration, its process, and its XML-RPC interface over a Unix socket."""

from __future__ import annotations

import contextlib
import http.client
import shlex
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from infra.stack.errors import StackError
from infra.stack.layout import CHECKOUT, SERVICE, Layout
from infra.stack.programs import Program

_START_PATIENCE = 15.0


@dataclass(frozen=True)
class ProcessState:
    """What the supervisor knows of one program."""

    name: str
    state: str
    pid: int
    uptime: float
    spawn_error: str

    @property
    def wanted(self) -> bool:
        """Whether the supervisor runs it or keeps trying to."""
        return self.state in {"RUNNING", "STARTING", "BACKOFF"}


def render(layout: Layout, programs: list[Program]) -> str:
    """The configuration file. Programs start when asked to, so that a part can be started."""
    parts = [
        _section(
            "supervisord",
            nodaemon="true",
            logfile=layout.log("supervisord"),
            logfile_maxbytes="5MB",
            logfile_backups="1",
            loglevel="info",
            silent="true",
            pidfile=layout.run / "supervisord.pid",
            directory=CHECKOUT,
            umask="077",
        ),
        _section("unix_http_server", file=layout.supervisor_socket, chmod="0700"),
        # the section that makes supervisord answer on its socket
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
    ]
    parts += [_program(layout, program) for program in programs]
    return "\n".join(parts)


def _program(layout: Layout, program: Program) -> str:
    own = ((SERVICE, program.name), *program.environment)
    return _section(
        f"program:{program.name}",
        command=shlex.join(program.command),
        environment=",".join(f'{name}="{value}"' for name, value in own),
        autostart="false",
        autorestart="true",
        # Dying sooner counts as a failed start, after which the wait grows by a second each
        # time. So many tries that a service outlasts a long absence of one it needs.
        startsecs="10",
        startretries="60",
        stopsignal="TERM",
        stopwaitsecs=program.patience,
        # Each program ends its own children; what still lives after its patience is killed.
        stopasgroup="false",
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=layout.log(program.name),
        stdout_logfile_maxbytes="10MB",
        stdout_logfile_backups="3",
    )


def _section(name: str, **options: object) -> str:
    # supervisord expands %(...)s in every value
    lines = [f"{key} = {str(value).replace('%', '%%')}" for key, value in options.items()]
    return "\n".join([f"[{name}]", *lines, ""])


class Supervisor:
    """The supervisor of one stack, running or not."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._child: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Whether it answers on its socket."""
        try:
            self._call("supervisor.getState")
        except (OSError, http.client.HTTPException):
            return False
        return True

    def spawn(self, config: str, env: Mapping[str, str]) -> None:
        """Write the configuration, start supervisord apart from this terminal, await its answer.

        Raises:
            StackError: it ended, or did not answer in time.
        """
        layout = self._layout
        layout.supervisor_config.write_text(config)
        command = [sys.executable, "-m", "supervisor.supervisord"]
        early = layout.log("supervisord-start")
        with early.open("wb") as output:
            self._child = subprocess.Popen(
                [*command, "-c", str(layout.supervisor_config)],
                cwd=CHECKOUT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C and a closed terminal are for the person's own programs
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_PATIENCE
        while not self.is_running():
            if self._child.poll() is not None or time.monotonic() > deadline:
                said = early.read_text(errors="replace").strip()[-800:]
                raise StackError(
                    f"supervisord did not start; it said: {said or 'nothing'} ({early})"
                )
            time.sleep(0.05)

    def states(self) -> dict[str, ProcessState]:
        """Every program by its name; nothing when the supervisor is not running."""
        try:
            rows = self._call("supervisor.getAllProcessInfo")
        except (OSError, http.client.HTTPException):
            return {}
        return {
            row["name"]: ProcessState(
                name=row["name"],
                state=row["statename"],
                pid=row["pid"],
                uptime=float(row["now"] - row["start"]) if row["pid"] else 0.0,
                spawn_error=row["spawnerr"],
            )
            for row in rows
        }

    def start(self, name: str) -> None:
        """Start one program, unless it runs or is about to."""
        with _ignoring("ALREADY_STARTED"):
            self._call("supervisor.startProcess", name, False)

    def stop(self, names: list[str]) -> None:
        """Ask programs to stop, all at once, and wait until they have."""
        for name in names:
            with _ignoring("NOT_RUNNING"):
                self._call("supervisor.stopProcess", name, False)
        # ends by itself: after its patience each is killed
        while any(state.state == "STOPPING" for state in self._some(names)):
            time.sleep(0.05)

    def shutdown(self, patience: float) -> bool:
        """End the supervisor itself; False when it did not go in time."""
        try:
            process = psutil.Process(self._call("supervisor.getPID"))
            self._call("supervisor.shutdown")
            process.wait(patience)
        except (OSError, http.client.HTTPException, psutil.NoSuchProcess):
            return True
        except psutil.TimeoutExpired:
            return False
        finally:
            if self._child is not None:
                self._child.poll()  # or it stays as a zombie of this process
        return True

    def _some(self, names: list[str]) -> list[ProcessState]:
        return [state for name, state in self.states().items() if name in names]

    def _call(self, method: str, *arguments: str | bool) -> Any:
        body = xmlrpc.client.dumps(arguments, method).encode()
        connection = _UnixConnection(self._layout.supervisor_socket)
        with contextlib.closing(connection):
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            answer = connection.getresponse().read()
        return xmlrpc.client.loads(answer)[0][0]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@contextlib.contextmanager
def _ignoring(fault: str) -> Iterator[None]:
    try:
        yield
    except xmlrpc.client.Fault as error:
        if fault not in error.faultString:
            raise StackError(f"supervisord refused: {error.faultString}") from error
