"""`python -m infra.stack.mlflow_server DATABASE ARTIFACTS PORT`: MLflow in one process.

`mlflow server` imports MLflow twice, in itself and in the uvicorn it starts: 5 s and 500 MB
where this takes half. The names of the settings are MLflow's own constants; the version is
pinned below 3.18, and the stack's test would tell if they moved.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import uvicorn

from infra.stack.ports import HOST
from perennial.loading import uncollected


def main() -> None:
    """Bring the database up to date, then serve."""
    database, artifacts, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    _write_ahead(database)
    # No background jobs: they bring a queue and processes for features that are not used here.
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    # This process is the server: an address here would make it a client of itself.
    os.environ.pop("MLFLOW_TRACKING_URI", None)

    with uncollected():
        from mlflow.server import constants  # after the environment is set, which it reads

    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: f"sqlite:///{database}",
        constants.ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        constants.ARTIFACTS_DESTINATION_ENV_VAR: artifacts.as_uri(),
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
    }
    with uncollected():
        from mlflow.server.fastapi_app import app
        from mlflow.server.handlers import initialize_backend_stores

    # Runs the migrations now, so that /health answers only when the database is usable.
    initialize_backend_stores(f"sqlite:///{database}", None, "mlflow-artifacts:/")
    uvicorn.run(
        app,
        host=HOST,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
    )


def _write_ahead(database: Path) -> None:
    """Let readers go on while one writes; MLflow leaves SQLite's default, which blocks them."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


if __name__ == "__main__":
    main()
