"""What this process serves: loaded apart, warmed up, exchanged as a whole between two requests."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from perennial.blobs import BlobStore
from perennial.contracts.serving import Deployment, Serves, Variant
from serving.errors import NotServed
from serving.model import Model
from serving.routing import Router


class Served(NamedTuple):
    """One deployment, with the models of its variants by name."""

    router: Router
    models: dict[str, Model]

    @property
    def deployment(self) -> Deployment:
        """By which requests are answered."""
        return self.router.deployment


class Desk:
    """Deployments by model. Requests that are under way keep the one they began with."""

    def __init__(self, blobs: BlobStore, process: str) -> None:
        self._blobs = blobs
        self._process = process
        self._served: dict[str, Served] = {}
        self._taking = asyncio.Lock()
        self.ready = False
        """Whether it has heard what to serve, were it nothing."""

    def find(self, model: str) -> Served:
        """What answers for a model.

        Raises:
            NotServed: nothing does.
        """
        found = self._served.get(model)
        if found is None:
            known = ", ".join(sorted(self._served)) or "none yet"
            raise NotServed(f"no model {model!r} is served here; there are: {known}")
        return found

    async def take(self, deployment: Deployment) -> bool:
        """Serve a deployment from now on.

        Returns:
            Whether it is served: not where this process has one of the same epoch or a later one.

        Raises:
            PerennialError, or ONNX Runtime's own: a file cannot be had or loaded. What was served
            before is served on.
        """
        async with self._taking:
            now = self._served.get(deployment.model)
            if now and deployment.epoch <= now.deployment.epoch:
                return False
            models = {
                variant.name: await self._loaded(variant, now) for variant in deployment.variants
            }
            self._served[deployment.model] = Served(Router(deployment), models)
            return True

    @property
    def models(self) -> set[str]:
        """Names of all that are served."""
        return set(self._served)

    def drop(self, model: str) -> None:
        """Serve a model no more."""
        self._served.pop(model, None)

    def serves(self) -> list[Serves]:
        """What to report."""
        return [
            Serves(
                process=self._process,
                model=served.deployment.model,
                environment=served.deployment.environment,
                epoch=served.deployment.epoch,
                versions={each.name: each.version for each in served.deployment.variants},
                digests={each.name: each.onnx.sha256 for each in served.deployment.variants},
            )
            for served in self._served.values()
        ]

    async def _loaded(self, variant: Variant, now: Served | None) -> Model:
        for each in now.deployment.variants if now else ():
            if now and each.onnx.sha256 == variant.onnx.sha256:
                return now.models[each.name]
        return await asyncio.to_thread(self._load, variant)

    def _load(self, variant: Variant) -> Model:
        model = Model(self._blobs.get(variant.onnx))
        model.warm_up()
        return model
