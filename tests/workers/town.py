"""A Temporal server and records of their own, whose control workers are real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from api.db.store import Store
from perennial.contracts import queues
from perennial.plugin import PerennialPlugin
from perennial.temporal import ensure_search_attributes
from tests.servers import program
from tests.workflows.house import House
from tests.workflows.ml_double import PlannedML
from workers.interceptors import ErrorTranslation
from workers.registration import methods

READY_SECONDS = 60


@dataclass
class ControlProcess:
    """`python -m workers control`, and what it wrote."""

    process: subprocess.Popen[bytes]
    ready: Path
    log: Path

    async def polls(self) -> ControlProcess:
        """Once it says that it polls."""
        async with asyncio.timeout(READY_SECONDS):
            while not self.ready.exists() or self.ready.read_text() != str(self.process.pid):
                assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.05)
        return self

    def terminate(self) -> None:
        """As an orchestrator does."""
        self.process.send_signal(signal.SIGTERM)

    async def ended(self, seconds: float = 30) -> int:
        """Its exit status."""
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait), seconds)


@dataclass
class Town:
    """Where many models live."""

    client: Client
    store: Store
    ml: PlannedML
    state_dir: Path
    opa_url: str
    started: list[ControlProcess] = field(default_factory=list)

    def house(self) -> House:
        """A model of its own."""
        return House(self.client, self.store, self.ml)

    def control(self, **environment: str) -> ControlProcess:
        """Start one more control worker."""
        log = self.state_dir / f"control-{len(self.started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "workers", "control"],
                env={
                    **os.environ,
                    "PERENNIAL_STATE_DIR": str(self.state_dir),
                    "PERENNIAL_OPA_URL": self.opa_url,
                    "TEMPORAL_ADDRESS": self.client.service_client.config.target_host,
                    **environment,
                },
                stdout=output,
                stderr=output,
            )
        found = ControlProcess(process, self.state_dir / "run" / "control.ready", log)
        self.started.append(found)
        return found

    def end(self) -> None:
        """Leave no process behind."""
        for control in self.started:
            control.process.kill()
            control.process.wait()


@contextlib.asynccontextmanager
async def founded(folder: Path, opa_url: str, *dynamic_config: str) -> AsyncIterator[Town]:
    """A town whose server has these dynamic settings besides our usual ones."""
    store = Store.open(f"sqlite:///{folder / 'records.db'}")
    planned = PlannedML()
    settings = (
        "history.transferProcessorMaxPollRPS=2000",
        "system.enableActivityEagerExecution=true",
        "matching.numTaskqueueReadPartitions=1",
        "matching.numTaskqueueWritePartitions=1",
        *dynamic_config,
    )
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=program("temporal"),
        plugins=[PerennialPlugin()],
        dev_server_startup_timeout=timedelta(seconds=60),
        dev_server_extra_args=[f"--dynamic-config-value={setting}" for setting in settings],
    ) as environment:
        await ensure_search_attributes(environment.client)
        town = Town(environment.client, store, planned, folder, opa_url)
        try:
            async with Worker(
                environment.client,
                task_queue=queues.ML,
                activities=methods(planned),
                interceptors=[ErrorTranslation()],
            ):
                yield town
        finally:
            town.end()
            store.close()
