"""Profiles of what models are asked and answer."""

from __future__ import annotations

from temporalio import activity

from activities.work import in_thread, loading
from perennial.blobs import BlobStore
from perennial.contracts.errors import Unavailable
from perennial.contracts.request_profiles import ProfileRequests, RequestProfiles, VariantProfile


class RequestActivities:
    """Reads the log of requests that the data plane writes."""

    def __init__(self, blobs: BlobStore, log: str) -> None:
        self._blobs = blobs
        self._log = log

    @activity.defn(name="profile_requests")
    async def profile_requests(self, input: ProfileRequests) -> RequestProfiles:
        """Profile a window, variant by variant."""
        return await in_thread(self._profile, input)

    def _profile(self, input: ProfileRequests) -> RequestProfiles:
        with loading():
            from activities.modelling.data.profiles import profile_frame
            from activities.modelling.requests.frames import PREDICTION, read_window
        try:
            frames = read_window(self._log, input.environment, input.model, input.start, input.end)
        except OSError as error:
            raise Unavailable(
                f"the log of requests of {input.model} at {self._log} cannot be read: {error}"
            ) from error
        profiles = []
        for (variant, version), frame in frames.items():
            failed = frame[PREDICTION].isna().sum() if PREDICTION in frame else len(frame)
            profiles.append(
                VariantProfile(
                    variant=variant,
                    version=version,
                    rows=len(frame),
                    failed=int(failed),
                    profile=self._blobs.put_bytes(profile_frame(frame, input.start)),
                )
            )
        return RequestProfiles(profiles=tuple(profiles))
