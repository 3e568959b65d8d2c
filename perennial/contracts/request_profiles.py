"""Profiles of what a model was asked and what it answered, made from the log of requests."""

from __future__ import annotations

from temporalio import activity

from perennial.contracts.base import BlobRef, Contract, Utc
from perennial.contracts.spec_part import Environment


class ProfileRequests(Contract):
    """Profile what was asked and answered within a window.

    Attributes:
        start: of the window, by the time a request came.
        end: of it; not in it itself.
    """

    model: str
    environment: Environment
    start: Utc
    end: Utc


class VariantProfile(Contract):
    """A variant's window.

    Attributes:
        variant: that answered; `shadow` where the rows are copies.
        version: that it was.
        rows: in the log; they are a sample where the spec keeps a share of requests.
        failed: rows of them that were not answered; they are profiled by their inputs alone.
        profile: a serialized whylogs `DatasetProfileView` of inputs and answers.
    """

    variant: str
    version: int
    rows: int
    failed: int
    profile: BlobRef


class RequestProfiles(Contract):
    """A window's profiles, by variant and version. None where nothing was logged."""

    profiles: tuple[VariantProfile, ...] = ()


@activity.defn(name="profile_requests")
async def profile_requests(input: ProfileRequests) -> RequestProfiles:
    """Raises Unavailable where the log cannot be read."""
    raise NotImplementedError
