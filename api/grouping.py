"""Groups, asked of Temporal: start one, put one back."""

from __future__ import annotations

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from api.asking import answering, refusal
from perennial.canonical import digest
from perennial.contracts import groups, ids, lifecycle, queues
from perennial.contracts.errors import KeyReused

_DIGEST = "digest"


async def start_group(client: Client, ask: groups.PromoteTogether) -> None:
    """Start a group, once for each request.

    Raises:
        KeyReused: its key was used for another request.
        WorkersUnavailable, TemporalUnavailable: there was no answer.
    """
    versions = ", ".join(f"{member.model} {member.version}" for member in ask.members)
    async with answering(client, ask.request_id):
        await _start(
            client,
            groups.GROUP_WORKFLOW,
            ask,
            ids.group_workflow(ask.group),
            f"{versions} in {ask.environment}, by {ask.actor}",
        )


async def roll_back_group(client: Client, ask: groups.RollBackTogether) -> groups.Moved:
    """Put back what was champion before a group moved.

    Raises:
        PerennialError: what the records refused with.
        WorkersUnavailable, TemporalUnavailable: there was no answer.
    """
    id_ = f"{ids.group_workflow(ask.group)}:rollback:{ask.request_id}"
    summary = f"group {ask.group} is put back by {ask.actor}"
    async with answering(client, ask.request_id):
        await _start(client, groups.GROUP_ROLLBACK_WORKFLOW, ask, id_, summary)
        try:
            handle = client.get_workflow_handle(id_, result_type=groups.Moved)
            moved: groups.Moved = await handle.result()
            return moved
        except WorkflowFailureError as error:
            raise refusal(error.cause) from error


async def _start(client: Client, name: str, ask: lifecycle.Asked, id_: str, summary: str) -> None:
    """Start a workflow unless this very request has started it before."""
    try:
        await client.start_workflow(
            name,
            ask,
            id=id_,
            task_queue=queues.CONTROL,
            # what was refused may be asked for again
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            memo={_DIGEST: digest(ask)},
            static_summary=summary,
        )
    except WorkflowAlreadyStartedError:
        started = await client.get_workflow_handle(id_).describe()
        if (await started.memo()).get(_DIGEST) != digest(ask):
            raise KeyReused(
                f"idempotency key {ask.request_id!r} was used for another request; choose a new one"
            ) from None
