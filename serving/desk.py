"""What this process serves: loaded apart, warmed up, exchanged as a whole between two requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from perennial.blobs import BlobStore
from perennial.contracts.serving import Deployment, Variant
from serving import log_files
from serving.errors import NotServed
from serving.model import Model
from serving.records import Records
from serving.responses import Header, marks_of
from serving.routing import Router


class Served(NamedTuple):
    """What answers for a model.

    Attributes:
        deployment: by which requests are answered.
        router: of its requests.
        models: of its variants by name.
        marks: headers of their answers by name.
        logged: the part of its requests that the log keeps.
        told: whether callers say of when a request is.
        records: of the log, by variant: where the next request that it answers goes.
    """

    deployment: Deployment
    router: Router
    models: dict[str, Model]
    marks: dict[str, tuple[Header, ...]]
    logged: float
    told: bool
    records: dict[str, Records]

    @classmethod
    def of(
        cls, deployment: Deployment, models: dict[str, Model], marks: dict[str, tuple[Header, ...]]
    ) -> Served:
        """What answers by a deployment; what each request asks of it is at hand."""
        log = deployment.log
        share, told = (log.share, log.event_time == "header") if log is not None else (0.0, False)
        return cls(deployment, Router(deployment), models, marks, share, told, {})


class Desk:
    """Deployments by model. Requests that are under way keep the one they began with."""

    def __init__(self, blobs: BlobStore, load_log: Callable[[], None] = log_files.load) -> None:
        """Serve nothing yet.

        Args:
            blobs: where models' files are.
            load_log: makes ready for the log of requests, before the first one that is logged.
        """
        self._blobs = blobs
        self._load_log = load_log
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
                if (
                    deployment.epoch == now.deployment.epoch
                    and deployment.log != now.deployment.log
                ):
                    # what is logged is the spec's, which changes without a new deployment
                    same = now.deployment.model_copy(update={"log": deployment.log})
                    self._served[deployment.model] = Served.of(same, now.models, now.marks)
                return False
            if deployment.log is not None:
                await asyncio.to_thread(self._load_log)
            files = (
                {}
                if now is None
                else {
                    variant.onnx.sha256: now.models[variant.name]
                    for variant in now.deployment.variants
                }
            )
            for variant in deployment.variants:
                if variant.onnx.sha256 not in files:
                    files[variant.onnx.sha256] = await asyncio.to_thread(self._load, variant)
            models = {variant.name: files[variant.onnx.sha256] for variant in deployment.variants}
            self._served[deployment.model] = Served.of(deployment, models, marks_of(deployment))
            return True

    @property
    def models(self) -> set[str]:
        """Names of all that are served."""
        return set(self._served)

    def drop(self, model: str) -> None:
        """Serve a model no more."""
        self._served.pop(model, None)

    def _load(self, variant: Variant) -> Model:
        model = Model(self._blobs.get(variant.onnx))
        model.warm_up()
        return model
