"""The programs of the stack, as data."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from infra.stack.config import Config
from infra.stack.ports import HOST
from workers.stopping import LONGEST

SEARCH_ATTRIBUTES = ("ModelName", "Stage", "Environment", "Outcome", "WaitingFor")

# Out of the box each activity waits 0.1 s in the dev server's queue processor, and every commit
# waits for the disk. WAL with NORMAL survives a killed process, though not a power cut.
_TEMPORAL_TUNING = (
    "--dynamic-config-value=history.transferProcessorMaxPollRPS=2000",
    "--dynamic-config-value=system.enableActivityEagerExecution=true",
    "--dynamic-config-value=matching.numTaskqueueReadPartitions=1",
    "--dynamic-config-value=matching.numTaskqueueWritePartitions=1",
    "--sqlite-pragma=journal_mode=WAL",
    "--sqlite-pragma=synchronous=NORMAL",
    # It has one connection and no company: taking the locks anew for every statement cost a tenth.
    "--sqlite-pragma=locking_mode=EXCLUSIVE",
)


# Requests that are under way are answered before this.
_SERVING_PATIENCE = 15
# A worker ends by itself before this.
_WORKER_PATIENCE = int(LONGEST.total_seconds()) + 5


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    command: tuple[str, ...]
    ports: tuple[str, ...] = ()
    """Names of the ports it listens on."""
    last: bool = False
    """Stopped before the others, since it works with them until its end."""
    patience: int = 8
    """Seconds between asking it to stop and killing it."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables of its own."""


def programs(config: Config) -> list[Program]:
    """The programs that run here: all but those which the person has elsewhere."""
    here = [program for program in _all(config) if program.name not in config.elsewhere]
    if config.bus_url:
        here.append(_worker("bus", config))
    return here


def _all(config: Config) -> list[Program]:
    python = sys.executable
    layout, ports = config.layout, config.ports
    return [
        Program(
            "temporal",
            (
                config.tools.get("temporal", "temporal"),
                "server",
                "start-dev",
                f"--ip={HOST}",
                f"--port={ports.temporal}",
                f"--ui-ip={HOST}",
                f"--ui-port={ports.temporal_ui}",
                f"--db-filename={layout.temporal_database}",
                f"--namespace={config.namespace}",
                "--log-level=warn",
                "--color=never",
                *(f"--search-attribute={name}=Keyword" for name in SEARCH_ATTRIBUTES),
                *_TEMPORAL_TUNING,
            ),
            ports=("temporal", "temporal_ui"),
        ),
        Program(
            "opa",
            (
                python,
                "-m",
                "infra.stack.opa",
                config.tools.get("opa", "opa"),
                str(config.policies),
                str(layout.bundles),
                f"{HOST}:{ports.opa}",
            ),
            ports=("opa",),
        ),
        Program(
            "mlflow",
            (
                python,
                "-m",
                "infra.stack.mlflow_server",
                str(layout.mlflow_database),
                str(layout.mlflow_artifacts),
                str(ports.mlflow),
            ),
            ports=("mlflow",),
        ),
        Program(
            "ray",
            (python, "-m", "infra.stack.ray_head", str(layout.ray_temp), str(ports.ray)),
            ports=("ray",),
        ),
        Program("api", (python, "-m", "api"), ports=("api",), last=True),
        Program(
            "serving", (python, "-m", "serving"), ports=("serving",), patience=_SERVING_PATIENCE
        ),
        _worker("control", config),
        _worker("ml", config),
    ]


def _worker(role: str, config: Config) -> Program:
    port = f"{role}_metrics"
    return Program(
        role,
        (sys.executable, "-m", "workers", role),
        ports=(port,),
        last=True,
        patience=_WORKER_PATIENCE,
        environment=(("PERENNIAL_WORKER_METRICS", f"{HOST}:{getattr(config.ports, port)}"),),
    )
