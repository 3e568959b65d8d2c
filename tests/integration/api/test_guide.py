"""The lines of the guides that speak to the API work, in their order."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from api.context import Context
from tests.integration.api.desk import Desk

GUIDES = Path("docs/guides")


async def follow(guide: str, url: str, context: Context, **environ: str) -> tuple[int, str]:
    """Run the lines of a guide; the number of its blocks, and what they said."""
    text = (GUIDES / guide).read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", "\n".join(blocks)),
        env={
            **os.environ,
            "PERENNIAL_API_URL": url,
            "PERENNIAL_TOKENS_FILE": str(context.settings.tokens),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            **environ,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return len(blocks), out.decode()


async def test_the_guide_can_be_followed(url: str, context: Context) -> None:
    blocks, said = await follow("api.md", url, context)
    assert blocks == 9
    for line in (
        '{"name":"engineer","role":"engineer"}',
        '{"model":"flights","spec_version":',
        "event: end",
        "the same run",
        '"flipped":[]',
        '{"ok":true,',
        '{"status":"ok"}',
    ):
        assert line in said, said


async def test_the_guide_to_triggers_can_be_followed(
    url: str, context: Context, desk: Desk, tokens: dict[str, str]
) -> None:
    desk.model = "flights"
    await desk.apply(environments=["development"], retraining={"runs": 100, "cooldown": "1s"})
    blocks, said = await follow(
        "triggers.md", url, context, PERENNIAL_TOKEN=tokens["engineer"], COLUMNS="200"
    )
    assert blocks == 2
    [wish] = (await desk.get("/triggers?model=flights&cause=data"))["items"]
    assert said.count(f'"{wish["trigger_id"]}"') == 2, "by HTTP it is the same wish, and listed"
    assert "April is complete" in said
