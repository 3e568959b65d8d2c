"""The work as a script in one warm process."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.lifecycle.work import script
from benchmarks.orchestration.talk import answer


async def main() -> None:
    """Serve jobs."""

    async def do(job: dict[str, Any]) -> None:
        script("digits-plain", job["epochs"])

    await answer(do)


if __name__ == "__main__":
    asyncio.run(main())
