"""`perennial drill` is a process of its own, and says so where that is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from perennial.cli import exits

CHECKOUT = Path(__file__).parents[3]


def ended(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, timeout=60
    )


def test_options_and_the_exit_code_go_through() -> None:
    done = ended(
        "import sys; from perennial.cli.app import run\n"
        "sys.argv = ['perennial', 'drill', '--stages', 'trian']; run()"
    )
    assert done.returncode == exits.USAGE, done.stderr
    assert "no stage 'trian'; there are: snapshot, validate, profile, train" in done.stderr


def test_without_the_local_stack_it_says_where_to_go() -> None:
    done = ended(
        "import sys; sys.modules['infra'] = None; from perennial.cli.app import run\n"
        "sys.argv = ['perennial', 'drill']; run()"
    )
    assert done.returncode == exits.USAGE, done.stderr
    assert "infra.drill" in done.stderr
    assert "checkout" in done.stderr
