"""`python -m serving`: answer requests, in a process for each core."""

from __future__ import annotations

import uvicorn

from perennial.quiet import quieten
from serving.limits import Limits


def main() -> None:
    """Serve until asked to stop; requests that are under way are answered first."""
    quieten()
    limits = Limits()
    uvicorn.run(
        "serving.host:create",
        factory=True,
        host=limits.host,
        port=limits.port,
        workers=limits.processes,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=int(limits.seconds) + 1,
    )


if __name__ == "__main__":
    main()
