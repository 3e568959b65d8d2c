"""Keeps the desk up to date: asks the API what is to be served, and goes on with what it has."""

from __future__ import annotations

import asyncio
import logging

import httpx

from perennial import discovery
from perennial.contracts.errors import PerennialError
from perennial.contracts.serving import Deployment, Deployments
from serving.desk import Desk

LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Feed:
    """One environment's deployments, looked at every second."""

    def __init__(self, client: httpx.AsyncClient, desk: Desk, environment: str) -> None:
        """Take the deployments of an environment.

        Args:
            client: to ask the API with, wherever it is found.
            desk: that serves them.
            environment: whose they are.
        """
        self._client = client
        self._desk = desk
        self._environment = environment
        self._said = ""

    async def follow(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once. What goes wrong is said once, and what was served before is served on."""
        try:
            # found anew each time: the API makes the tokens at its own first start
            found = discovery.find()
            answer = await self._client.get(
                f"{found.url}/v1/deployments/{self._environment}",
                headers={"Authorization": f"Bearer {found.token('viewer')}"},
            )
            answer.raise_for_status()
            wanted = Deployments.model_validate_json(answer.content).deployments
        except (httpx.HTTPError, discovery.DiscoveryError, ValueError) as error:
            self._say(f"the API does not tell what to serve: {type(error).__name__}: {error}")
            return
        troubles = [trouble for each in wanted if (trouble := await self._take(each))]
        for model in self._desk.models - {each.model for each in wanted}:
            self._desk.drop(model)
        self._desk.ready = True
        self._say("; ".join(troubles))

    async def _take(self, deployment: Deployment) -> str:
        try:
            if await self._desk.take(deployment):
                versions = ", ".join(f"{v.name} {v.version}" for v in deployment.variants)
                _log.info("serving %s: %s", deployment.model, versions)
        except PerennialError as error:
            return f"{deployment.model} stays as it was: {error.message}"
        except Exception as error:  # ONNX Runtime's, which have no class of their own
            return f"{deployment.model} stays as it was: {type(error).__name__}: {error}"
        return ""

    def _say(self, what: str) -> None:
        if what and what != self._said:
            _log.warning("%s", what)
        self._said = what
