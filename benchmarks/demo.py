"""How long the demo takes on a stack that is up and has no model yet."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.results import Row, row
from infra.stack import Stack

DEMO_SECONDS = 90.0


def run() -> list[Row]:
    """One row: the whole demo."""
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        stack = Stack(Path(folder), Stack.free_ports())
        try:
            stack.up()
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "infra.demo"],
                env={**os.environ, **stack.env},
                stdout=subprocess.DEVNULL,
                check=True,
            )
            return [row("demo", time.perf_counter() - began, "s", target=DEMO_SECONDS)]
        finally:
            stack.down()
