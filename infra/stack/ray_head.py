"""`python -m infra.stack.ray_head TEMP PORT`: clear up after the last Ray, then be the next one."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

from infra.stack import orphans
from infra.stack.layout import SERVICE, STACK_ID
from infra.stack.ports import HOST

_OBJECT_STORE_BYTES = 512 * 1024 * 1024
_KEPT_SESSIONS = 3


def main() -> None:
    """Replace this process by `ray start --block`."""
    temp, port = Path(sys.argv[1]), int(sys.argv[2])
    # A killed head leaves agents and idle workers behind. Never `ray stop`: that would end
    # every Ray on the machine.
    orphans.end(orphans.find(os.environ[STACK_ID], os.environ[SERVICE]), grace=1)
    _forget_old_sessions(temp)
    with socket.socket() as client_server, socket.socket() as dashboard:
        # Ray wants real numbers here; its defaults would clash with a second stack.
        for probe in (client_server, dashboard):
            probe.bind((HOST, 0))
        client_port, dashboard_port = client_server.getsockname()[1], dashboard.getsockname()[1]
    # Its users are stopped before it, so there is nothing to drain for half a minute.
    os.environ["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"] = "0"
    # One process for each CPU when somebody connects, else. We ask for the one we want.
    os.environ["RAY_prestart_worker_first_driver"] = "0"  # noqa: SIM112
    # So that the one which waits for a training has loaded torch when it comes.
    os.environ["RAY_preload_python_modules"] = "activities.ray_tasks.ahead"  # noqa: SIM112
    ray = str(Path(sys.executable).parent / "ray")
    os.execv(
        ray,
        [
            ray,
            "start",
            "--head",
            "--block",
            f"--node-ip-address={HOST}",
            f"--port={port}",
            f"--num-cpus={os.environ.get('PERENNIAL_RAY_CPUS') or max(2, os.cpu_count() or 1)}",
            f"--object-store-memory={_OBJECT_STORE_BYTES}",
            f"--temp-dir={temp}",
            f"--ray-client-server-port={client_port}",
            f"--dashboard-port={dashboard_port}",
            "--dashboard-agent-listen-port=0",
            # 0 to 0: any free port. The default range may hold the port given above.
            "--min-worker-port=0",
            "--max-worker-port=0",
            "--include-dashboard=false",
            "--include-log-monitor=false",
            "--no-monitor",
            "--disable-usage-stats",
            "--log-style=record",
            "--log-color=false",
        ],
    )


def _forget_old_sessions(temp: Path) -> None:
    sessions = sorted(path for path in temp.glob("session_2*") if path.is_dir())
    for session in sessions[:-_KEPT_SESSIONS]:
        shutil.rmtree(session, ignore_errors=True)


if __name__ == "__main__":
    main()
