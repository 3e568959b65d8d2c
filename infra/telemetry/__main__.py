"""`python -m infra.telemetry write FOLDER`: files for Prometheus and Grafana."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

from infra.stack.config import Config
from infra.stack.errors import StackError
from infra.telemetry import alerts, dashboard, scraping
from perennial import discovery


def write(folder: Path, config: Config) -> list[Path]:
    """Write alert rules, the dashboard, and how to scrape the stack; the files.

    Raises:
        DiscoveryError: no token for the API is found.
    """
    found = discovery.find()
    token = found.token("viewer")
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        scraping.ALERTS: yaml.safe_dump(alerts.document(), sort_keys=False, width=100),
        scraping.CONFIG: yaml.safe_dump(scraping.document(found.url, config), sort_keys=False),
        scraping.DASHBOARD: json.dumps(dashboard.document(), indent=2) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    scraping.keep_token(folder, token)
    return [folder / name for name in (*texts, scraping.TOKEN)]


def main() -> int:
    """Run the command; an error is a message, not a traceback."""
    if len(sys.argv) != 3 or sys.argv[1] != "write":
        print("usage: python -m infra.telemetry write FOLDER", file=sys.stderr)
        return 2
    try:
        for path in write(Path(sys.argv[2]), Config.from_environment()):
            print(path)
    except (StackError, discovery.DiscoveryError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
