"""The lines of docs/guides/api.md work, in their order."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from api.context import Context

GUIDE = Path("docs/guides/api.md")


async def test_the_guide_can_be_followed(url: str, context: Context) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 9
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", "\n".join(blocks)),
        env={
            **os.environ,
            "PERENNIAL_API_URL": url,
            "PERENNIAL_TOKENS_FILE": str(context.settings.tokens),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    said = out.decode()
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
