"""A version trained again: whether its inputs are there, and how far the weights are apart."""

from __future__ import annotations

import contextlib

from temporalio import activity

from activities.work import in_thread, loading
from perennial.blobs import BlobCorrupt, BlobStore
from perennial.contracts.errors import ProjectInvalid
from perennial.contracts.reproduction import (
    CompareWeights,
    FindInputs,
    InputsFound,
    WeightsCompared,
)


class ReproductionActivities:
    """What is asked of the blob store and of the project, before and after a training."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    @activity.defn(name="find_inputs")
    async def find_inputs(self, input: FindInputs) -> InputsFound:
        """Look for rows and project."""
        return await in_thread(self._find, input)

    @activity.defn(name="compare_weights")
    async def compare_weights(self, input: CompareWeights) -> WeightsCompared:
        """Compare what two trainings left."""
        return await in_thread(self._compare, input)

    def _find(self, input: FindInputs) -> InputsFound:
        with loading():
            from activities.modelling.projects import load_project
        code, gone = None, []
        try:
            code = load_project(input.project).identity()
        except ProjectInvalid as error:
            gone.append(f"the project cannot be loaded: {error.message}")
        try:
            self._blobs.get(input.snapshot.data)
        except BlobCorrupt as error:
            gone.append(
                f"the rows of snapshot {input.snapshot.digest[:12]} are gone: {error.message}"
            )
        return InputsFound(code=code, gone=tuple(gone))

    def _compare(self, input: CompareWeights) -> WeightsCompared:
        then, now = input.then, input.now
        identical = then.weights.sha256 == now.weights.sha256
        apart: float | None = 0.0 if identical else None
        if not identical and then.kind == now.kind == "network":
            with loading():
                from activities.modelling.models.candidates import furthest_apart
            with contextlib.suppress(BlobCorrupt):  # the version's may be gone; its digest is not
                apart = furthest_apart(
                    self._blobs.get_bytes(then.weights), self._blobs.get_bytes(now.weights)
                )
        return WeightsCompared(identical=identical, kind=now.kind, max_abs_diff=apart)
