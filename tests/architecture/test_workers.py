"""Every worker can be built: the sandbox accepts the workflows, and each name is unique."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.worker import Replayer

from perennial.plugin import PerennialPlugin
from workers.control import WORKFLOWS

LONGEST = 450


def test_the_sandbox_accepts_every_workflow() -> None:
    Replayer(workflows=WORKFLOWS, plugins=[PerennialPlugin()])


@pytest.mark.parametrize("folder", ["perennial", "workflows", "activities", "workers", "api"])
def test_files_stay_small(folder: str) -> None:
    root = Path(__file__).parents[2] / folder
    long = {
        str(path.relative_to(root)): lines
        for path in root.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > LONGEST
    }
    assert long == {}
