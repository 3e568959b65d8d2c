"""Keeps the desk up to date: asks the API what is to be served, and says what is and was answered.

Without the API it goes on with what it has; its counts wait until the API is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

import httpx
import psutil

from perennial import discovery
from perennial.contracts.errors import PerennialError
from perennial.contracts.serving import (
    ALIVE_SECONDS,
    WHOLE,
    Deployment,
    Deployments,
    Report,
    Tally,
)
from serving.counting import Counting
from serving.desk import Desk

LOOK_SECONDS = 1.0
REPORT_SECONDS = ALIVE_SECONDS / 3
"""How long a process says nothing of itself where nothing has changed."""
_log = logging.getLogger(__name__)


class Feed:
    """One environment's deployments, looked at every second."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        desk: Desk,
        counting: Counting,
        environment: str,
        process: str,
    ) -> None:
        """Take the deployments of an environment.

        Args:
            client: to ask the API with, wherever it is found.
            desk: that serves them.
            counting: of what it answers.
            environment: whose they are.
            process: by which name the API knows this one.
        """
        self._client = client
        self._desk = desk
        self._counting = counting
        self._path = f"/v1/deployments/{environment}"
        self._process = process
        self._self = psutil.Process()
        self._said = ""
        self._reported: tuple[Tally, ...] | None = None
        self._reported_at = float("-inf")
        self._clocks = time.monotonic(), time.process_time()
        self._turned_away, self._turned_away_at = 0, float("-inf")

    async def follow(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def leave(self) -> None:
        """Say what was answered last, and that this process is to be waited for no more."""
        with contextlib.suppress(httpx.HTTPError, discovery.DiscoveryError):
            await self._put(self._report(self._counting.tallies(), leaving=True))

    async def look(self) -> None:
        """Look once. What goes wrong is said once, and what was served before is served on."""
        try:
            troubles = await self._follow(await self._ask())
            if self._desk.ready and self._has_news():
                # whoever waits for a deployment to be served everywhere need not wait a second more
                troubles = await self._follow(await self._ask())
        except (httpx.HTTPError, discovery.DiscoveryError, ValueError) as error:
            self._say(f"the API does not tell what to serve: {type(error).__name__}: {error}")
            return
        self._desk.ready = True
        self._say("; ".join(troubles))

    async def _ask(self) -> tuple[Deployment, ...]:
        """What is to be served; said with it what is, where that is news or was said long ago."""
        if self._has_news() or time.monotonic() - self._reported_at > REPORT_SECONDS:
            tallies = self._counting.tallies()
            answer = await self._put(self._report(tallies, busy=self._busy()))
            self._reported, self._reported_at = tallies, time.monotonic()
        else:
            url, headers = _found()
            answer = await self._client.get(f"{url}{self._path}", headers=headers)
            answer.raise_for_status()
        return Deployments.model_validate_json(answer.content).deployments

    def _report(
        self, tallies: tuple[Tally, ...], *, busy: float = 0.0, leaving: bool = False
    ) -> Report:
        return Report(
            tallies=tallies,
            busy=busy,
            leaving=leaving,
            memory_bytes=self._self.memory_info().rss,
            cpu_seconds=time.process_time(),
        )

    async def _put(self, report: Report) -> httpx.Response:
        url, headers = _found()
        answer = await self._client.put(
            f"{url}{self._path}/processes/{self._process}",
            headers={**headers, "Content-Type": "application/json"},
            content=report.model_dump_json(),
        )
        return answer.raise_for_status()

    def _busy(self) -> float:
        """The part of the time since the last report that this process was busy, at most 1.

        Who turned requests away has had all that it can do, whatever it was waiting for: that is
        told for long enough to be seen.
        """
        now = time.monotonic(), time.process_time()
        wall, worked = (new - old for new, old in zip(now, self._clocks, strict=True))
        self._clocks = now
        if self._counting.turned_away != self._turned_away:
            self._turned_away, self._turned_away_at = self._counting.turned_away, now[0]
        if now[0] - self._turned_away_at < ALIVE_SECONDS:
            return 1.0
        return min(worked / wall, 1.0) if wall > 0 else 0.0

    def _has_news(self) -> bool:
        counting = self._counting
        return counting.turned_away != self._turned_away or counting.tallies() != self._reported

    async def _follow(self, wanted: tuple[Deployment, ...]) -> list[str]:
        troubles = [trouble for each in wanted if (trouble := await self._take(each))]
        for model in self._desk.models - {each.model for each in wanted}:
            self._desk.drop(model)
            self._counting.drop(model)
        return troubles

    async def _take(self, deployment: Deployment) -> str:
        try:
            if await self._desk.take(deployment):
                self._counting.serves(deployment)
                shares = ", ".join(
                    f"{v.name} {v.version} ({v.weight / WHOLE:.2%})" for v in deployment.variants
                )
                _log.info("serving %s, epoch %d: %s", deployment.model, deployment.epoch, shares)
        except PerennialError as error:
            return f"{deployment.model} stays as it was: {error.message}"
        except Exception as error:  # ONNX Runtime's, which have no class of their own
            return f"{deployment.model} stays as it was: {type(error).__name__}: {error}"
        return ""

    def _say(self, what: str) -> None:
        if what and what != self._said:
            _log.warning("%s", what)
        self._said = what


def _found() -> tuple[str, dict[str, str]]:
    """The API and who asks it; found anew each time: it makes the tokens at its own first start."""
    found = discovery.find()
    return found.url, {"Authorization": f"Bearer {found.token('data-plane')}"}
