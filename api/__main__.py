"""`python -m api`: serve the HTTP interface until told to stop."""

from __future__ import annotations

import os
import signal
import socket
import sys

from perennial.loading import uncollected
from perennial.quiet import quieten

quieten()  # before any library that phones home is loaded

with uncollected():
    import uvicorn

    from api.app import create_app
    from api.context import Context
    from perennial.contracts.errors import PerennialError
    from perennial.settings import settings


def _listen() -> socket.socket:
    """A socket on PERENNIAL_API_HOST (127.0.0.1) and PERENNIAL_API_PORT (8000)."""
    host = os.environ.get("PERENNIAL_API_HOST", "127.0.0.1")
    port = os.environ.get("PERENNIAL_API_PORT", "8000")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, int(port)))
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(
            f"the API cannot listen on {host}:{port}: {error}; free the port, or set "
            f"PERENNIAL_API_PORT to another one"
        )
    return listener


def main() -> None:
    """Serve, then leave without finalizing the interpreter."""
    listener = _listen()
    try:
        app = create_app(Context.open(settings()))
    except PerennialError as error:
        sys.exit(f"the API cannot start: {error}")
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has stopped, which would end us too early
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(app, ws="none", timeout_graceful_shutdown=5, server_header=False)
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    # Temporal's client may abort while the interpreter is finalized (temporalio/sdk-python#300)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if server.started else 1)


if __name__ == "__main__":
    main()
