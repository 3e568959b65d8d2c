"""`stack.json`: where the command line, the tests and people's scripts find the stack."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from infra.stack.config import Config


def write(config: Config) -> None:
    """Replace the file in one move, so that no reader sees half of it."""
    layout = config.layout
    content = {
        "stack_id": layout.stack_id,
        "state_dir": str(layout.state_dir),
        "addresses": config.addresses,
        "ports": asdict(config.ports),
        "elsewhere": dict(config.elsewhere),
        "tokens_file": str(layout.state_dir / "tokens.json"),
        "logs": str(layout.logs),
        "env": config.client_environment(),
    }
    fresh = layout.summary.with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=2) + "\n")
    fresh.replace(layout.summary)


def read(state_dir: Path) -> dict[str, Any] | None:
    """What the last `up` wrote; None when there was none."""
    try:
        content: dict[str, Any] = json.loads((state_dir / "stack.json").read_text())
    except FileNotFoundError:
        return None
    return content
