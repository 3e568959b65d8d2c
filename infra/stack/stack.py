"""The local stack as one object: `up`, `down`, and what chaos tests need."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil

from infra import toolchain
from infra.stack import orphans, summary
from infra.stack.config import Config
from infra.stack.errors import NotReady, StackError
from infra.stack.ports import Ports, require_free
from infra.stack.programs import Program, programs
from infra.stack.readiness import Report, await_ready, quiet
from infra.stack.supervisor import ProcessState, Supervisor, render

_RETENTION = "720h"


class Stack:
    """Everything Perennial needs on one machine, under one supervisor."""

    def __init__(
        self,
        state_dir: Path | None = None,
        ports: Ports | None = None,
        *,
        config: Config | None = None,
        die_with: int | None = None,
    ) -> None:
        """Describe a stack; nothing is started.

        Args:
            state_dir: where it keeps everything.
            ports: the usual ones unless given; `Ports.free()` for a stack beside another.
            config: all of it, instead of the two above.
            die_with: a process at whose end the stack goes down by itself, however it ended.
        """
        if config is None:
            if state_dir is None:
                raise StackError("a stack needs a state folder: give state_dir or config")
            config = Config(state_dir, ports or Ports())
        self.config = config
        self._die_with = die_with
        self._supervisor = Supervisor(config.layout)

    @staticmethod
    def free_ports() -> Ports:
        """Ports for a stack that lives beside another one."""
        return Ports.free()

    @property
    def env(self) -> dict[str, str]:
        """The variables that point a client program at this stack."""
        return self.config.client_environment()

    @property
    def urls(self) -> dict[str, str]:
        """The address of each service."""
        return self.config.addresses

    @property
    def services(self) -> list[str]:
        """The services that run here rather than elsewhere."""
        return [program.name for program in programs(self.config)]

    def up(
        self,
        only: Iterable[str] | None = None,
        *,
        timeout: float = 120,
        report: Report = quiet,
    ) -> None:
        """Start what is not running, and return once everything asked for is ready.

        Args:
            only: the services to start; all unless given.
            timeout: seconds until it is given up.
            report: called with each line of progress.

        Raises:
            PortTaken: somebody else listens on a port that is needed.
            NotReady: a service failed or took too long. What did start is left running.
            StackError: anything else that stands in the way.
        """
        chosen = self._chosen(only)
        layout = self.config.layout
        layout.create()
        with self._alone():
            self._equip(chosen)
            self._start_supervisor(chosen, report)
            for program in chosen:
                self._supervisor.start(program.name)
            summary.write(self.config)
        names = [program.name for program in chosen]
        await_ready(self.config, self._supervisor, names, timeout, report, whole=only is None)
        if "temporal" in names:
            self._keep_histories()

    def down(self) -> int:
        """Stop everything and leave the data. Returns how many strays had to be ended."""
        layout = self.config.layout
        if not layout.state_dir.exists():
            return 0
        layout.create()
        with self._alone():
            names = self._supervisor.states()
            # The workers first: they hand their work back to services that still answer.
            last = [program.name for program in programs(self.config) if program.last]
            self._supervisor.stop([name for name in names if name in last])
            self._supervisor.stop([name for name in names if name not in last])
            self._supervisor.shutdown(patience=5)
            return orphans.end(orphans.find(layout.stack_id))

    def clean(self) -> None:
        """Take the stack down and delete its state."""
        self.down()
        self.config.layout.delete()

    def states(self) -> dict[str, ProcessState]:
        """What the supervisor says of each service; nothing when the stack is down."""
        return self._supervisor.states()

    def pids(self, service: str) -> list[int]:
        """The processes of a service: the supervised one first, then those it started."""
        main = self._main(service)
        if main is None:
            return []
        with contextlib.suppress(psutil.Error):
            below = psutil.Process(main).children(recursive=True)
            return [main, *(process.pid for process in below)]
        return []

    def kill(self, service: str) -> list[int]:
        """SIGKILL every process of a service, as a crash would; the supervisor starts it again.

        Returns:
            The process ids that are gone.
        """
        victims = [psutil.Process(pid) for pid in self.pids(service) if psutil.pid_exists(pid)]
        orphans.kill(victims)
        return [process.pid for process in victims]

    def stop(self, service: str) -> None:
        """Stop a service until `start` is called."""
        self._supervisor.stop([self._known(service)])

    def start(self, service: str, *, timeout: float = 60) -> None:
        """Start a stopped service and wait until it is ready."""
        self._supervisor.start(self._known(service))
        self.wait_ready(service, timeout=timeout)

    def wait_ready(self, *services: str, timeout: float = 60) -> None:
        """Wait until the services are ready (again).

        Raises:
            NotReady: they were not in time.
        """
        await_ready(self.config, self._supervisor, list(services), timeout, quiet)

    def wait_restarted(self, service: str, gone: list[int], *, timeout: float = 60) -> None:
        """Wait until a service that was killed runs under a new process and is ready.

        Args:
            service: its name.
            gone: what `kill` returned.
            timeout: seconds until it is given up.
        """
        deadline = time.monotonic() + timeout
        while (main := self._main(service)) is None or main in gone:
            if time.monotonic() > deadline:
                raise NotReady(f"{service} was not started again within {timeout:.0f} s")
            time.sleep(0.05)
        self.wait_ready(service, timeout=max(1.0, deadline - time.monotonic()))

    def _main(self, service: str) -> int | None:
        state = self._supervisor.states().get(self._known(service))
        return state.pid if state and state.pid else None

    def _known(self, service: str) -> str:
        if service not in self.services:
            raise StackError(
                f"{service!r} is no service of this stack; it has {', '.join(self.services)}"
            )
        return service

    def _chosen(self, only: Iterable[str] | None) -> list[Program]:
        if only is None:
            return programs(self.config)
        names = {self._known(name) for name in only if name not in self.config.elsewhere}
        return [program for program in programs(self.config) if program.name in names]

    def _equip(self, chosen: list[Program]) -> None:
        """Find the tools and make the secrets that the services need."""
        tools = dict(self.config.tools)
        # OPA also where it runs elsewhere: the API replays decisions with it.
        for tool in ("temporal", "opa"):
            wanted = tool == "opa" or any(program.name == tool for program in chosen)
            if wanted and tool not in tools:
                tools[tool] = str(toolchain.locate(tool))
        self.config = replace(self.config, tools=tools)
        token = self.config.layout.ray_token
        if not token.exists():
            with os.fdopen(
                os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                file.write(secrets.token_hex(32))

    def _start_supervisor(self, chosen: list[Program], report: Report) -> None:
        layout = self.config.layout
        every = [*programs(self.config), *self._guard()]
        config = render(layout, every)
        states = self._supervisor.states()
        running = bool(states) or self._supervisor.is_running()
        if running and layout.supervisor_config.read_text() != config:
            raise StackError(
                f"the stack in {layout.state_dir} runs with other settings than these; "
                f"take it down first (`make down`)"
            )
        if not running:
            strays = orphans.end(orphans.find(layout.stack_id))
            if strays:
                report(f"ended {strays} processes that an earlier stack left behind")
        needed = set(_port_names(chosen, states))
        require_free([(name, port) for name, port in self.config.ports.items() if name in needed])
        if not running:
            for stale in layout.run.glob("*.ready"):
                stale.unlink()
            self._supervisor.spawn(config, self.config.process_environment())
            for program in self._guard():
                self._supervisor.start(program.name)

    def _guard(self) -> list[Program]:
        if self._die_with is None:
            return []
        from infra.stack.guard import program

        return [program(self._die_with)]

    def _keep_histories(self) -> None:
        """The dev server forgets a finished workflow after a day unless told otherwise."""
        config = self.config
        subprocess.run(
            [
                config.tools["temporal"],
                "operator",
                "namespace",
                "update",
                f"--namespace={config.namespace}",
                f"--retention={_RETENTION}",
                f"--address={config.addresses['temporal']}",
            ],
            check=False,
            capture_output=True,
            timeout=20,
        )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep a second `up` or `down` of the same stack waiting."""
        with (self.config.layout.run / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _port_names(chosen: list[Program], states: dict[str, ProcessState]) -> list[str]:
    """The ports of the programs that are about to be started."""
    return [
        name
        for program in chosen
        if not (program.name in states and states[program.name].wanted)
        for name in program.ports
    ]
