"""The API against its own document: schemathesis makes requests that fit it, and that do not."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.api.desk import Desk

# refused for reasons that no schema can state: a cursor of another list, a policy that does not
# compile, a threshold without a bound
STRICTER_THAN_ITS_SCHEMA = "positive_data_acceptance"


async def schemathesis(folder: Path, url: str, token: str, *more: str) -> tuple[int, str]:
    program = Path(sys.executable).with_name("schemathesis")
    process = await asyncio.create_subprocess_exec(
        str(program),
        *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {token}"),
        *("--seed", "1", "--max-examples", "3", "--no-color", "--continue-on-failure"),
        *("--exclude-checks", STRICTER_THAN_ITS_SCHEMA, "--request-timeout", "60"),
        *more,
        # it keeps what it found in its working folder
        cwd=folder,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.integration.api.hooks",
            "PYTHONPATH": str(Path.cwd()),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.fixture
async def flights(desk: Desk) -> AsyncIterator[Desk]:
    """The model of the document's examples, with a run that has ended."""
    desk.model = "flights"
    await desk.apply(environments=["production"])
    await desk.run()
    yield desk
    await desk.post("/resume", role="admin")  # whatever was asked of the platform meanwhile


async def test_every_answer_is_as_documented(
    flights: Desk, url: str, tokens: dict[str, str], tmp_path: Path
) -> None:
    # a live stream has no end, a retired model no further answers, and MLflow and Ray are away
    left_out = ("watch_run", "retire_model", "readiness")
    code, out = await schemathesis(
        tmp_path,
        url,
        tokens["admin"],
        *(part for name in left_out for part in ("--exclude-operation-id", name)),
    )
    assert code == 0, out
    assert "Selected: 63/66" in out
