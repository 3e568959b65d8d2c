"""Workflow code holds nothing that a replay would see otherwise, since its worker does not look."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import workflows


def complaints(code: str, file: str = "workflows/steps/somebody.py") -> str:
    ruff = [sys.executable, "-m", "ruff", "check", "--select", "TID251,PLW0603,PTH123"]
    done = subprocess.run(
        [*ruff, "--output-format=concise", "--stdin-filename", file, "-"],
        input=code,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import datetime\nnow = datetime.datetime.now()\n",
        "from datetime import datetime as when\nnow = when.utcnow()\n",
        "from time import monotonic\n",
        "import random\n",
        "from uuid import uuid4\n",
        "from os import environ\n",
        "import asyncio\n\n\nasync def f():\n    await asyncio.sleep(1)\n",
        "import asyncio\n\n\nasync def f(tasks):\n    await asyncio.wait(tasks)\n",
        "rows = open('rows.csv')\n",
        "seen = 0\n\n\ndef f():\n    global seen\n    seen += 1\n",
    ],
)
def test_what_a_replay_would_see_otherwise_is_refused(code: str) -> None:
    assert "somebody.py:" in complaints(code)


def test_elsewhere_it_is_allowed() -> None:
    assert "TID251" not in complaints("import random\n", "activities/somebody.py")


def test_no_workflow_module_keeps_state() -> None:
    """Runs share the modules of this package. Capitals name what nobody changes."""
    shared = [
        f"{found.name}.{name}"
        for found in pkgutil.walk_packages(workflows.__path__, "workflows.")
        for name, value in vars(importlib.import_module(found.name)).items()
        if isinstance(value, list | dict | set) and name != name.upper()
    ]
    assert [name for name in shared if not name.endswith("__")] == []
