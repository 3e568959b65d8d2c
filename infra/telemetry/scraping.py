"""What Prometheus asks, and with which token."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.stack.config import Config
from infra.stack.ports import HOST

ALERTS, DASHBOARD, CONFIG, TOKEN = "alerts.yml", "dashboard.json", "prometheus.yml", "token"


def document(api_url: str, config: Config, every: str = "15s") -> dict[str, Any]:
    """Prometheus' configuration for an API and the workers of this machine's stack.

    Args:
        api_url: where the API is.
        config: of the stack.
        every: how often to ask. Paths of the files beside it are as seen from there.
    """
    at = urlsplit(api_url)
    shown = [("control", config.ports.control_metrics), ("ml", config.ports.ml_metrics)]
    if config.bus_url:
        shown.append(("bus", config.ports.bus_metrics))
    workers = [
        {
            "job_name": f"perennial-{role}",
            "static_configs": [{"targets": [f"{HOST}:{port}"]}],
        }
        for role, port in shown
    ]
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [ALERTS],
        "scrape_configs": [
            {
                "job_name": "perennial-api",
                "scheme": at.scheme,
                "metrics_path": f"{at.path.rstrip('/')}/metrics",
                "authorization": {"credentials_file": TOKEN},
                "static_configs": [{"targets": [at.netloc]}],
            },
            *workers,
        ],
    }


def keep_token(folder: Path, token: str) -> None:
    """Write the token for its owner only."""
    path = folder / TOKEN
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(token)
