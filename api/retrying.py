"""What a run's workflow is trying again, and why it failed: Temporal knows, the records do not."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio.api.failure.v1 import Failure
from temporalio.client import Client

from api.schemas.runs import Retrying
from perennial.contracts import ids

_SECONDS = 1.0


async def retrying(client: Client, model: str, run_id: str) -> list[Retrying]:
    """Activities of a run that have failed at least once; none when Temporal does not answer."""
    handle = client.get_workflow_handle(ids.run_workflow(model, run_id))
    try:
        async with asyncio.timeout(_SECONDS):
            described = await handle.describe(rpc_timeout=timedelta(seconds=_SECONDS))
    except Exception:
        # the run's own record is worth more than this, and must not wait for it or fail with it
        return []
    return [
        Retrying(
            activity=pending.activity_type.name,
            attempt=pending.attempt,
            message=_message(pending.last_failure),
        )
        for pending in described.raw_description.pending_activities
        if pending.HasField("last_failure")
    ]


def _message(failure: Failure) -> str:
    kind = failure.application_failure_info.type
    return f"{kind}: {failure.message}" if kind else failure.message
