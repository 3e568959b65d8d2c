"""Turn every library's telemetry off. Imported first by each process that loads one of them."""

from __future__ import annotations

import os

QUIET: dict[str, str] = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "WHYLOGS_NO_ANALYTICS": "1",
    # pandera and others print a notice on import unless told otherwise
    "DISABLE_PANDERA_IMPORT_WARNING": "True",
    # MLflow shows a progress bar for each artefact it copies
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def quieten() -> None:
    """Set the variables, keeping any value the person has set."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
