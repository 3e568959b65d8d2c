"""Putting requests to workflows, and giving their refusals the platform's names.

The update's id holds the client's idempotency key and what is asked. Temporal answers a repeat of
an id with its first answer; the same key with another request has another id, so it reaches the
workflow, which refuses it as KeyReused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, FailureError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from perennial.canonical import digest
from perennial.contracts import errors, ids, lifecycle, queues, rollout
from perennial.contracts.base import Contract
from perennial.temporal import TemporalUnavailable

T = TypeVar("T", bound=Contract)

PATIENCE = 30.0
"""Seconds that a request waits for a workflow's answer."""

_AGAIN_SECONDS = 0.2

_AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}


class WorkersUnavailable(errors.Unavailable):
    """No worker took the request up in time."""


class WorkflowGone(errors.Refused):
    """The workflow that could answer has ended."""


async def ask_model(
    client: Client, state: lifecycle.ModelState, update: str, ask: lifecycle.Asked, answer: type[T]
) -> T:
    """Put a request to a model's workflow, starting it with `state` should it not run.

    Raises:
        PerennialError: what the workflow refused with.
        ModelRetired: its life has ended, and this request is none that it answered before.
        WorkersUnavailable, TemporalUnavailable: there was no answer.
    """
    name, update_id = state.model, _update_id(update, ask)
    if state.status == "retired":
        return await _answered_before(client, name, update_id, answer)
    start: WithStartWorkflowOperation[object, object] = WithStartWorkflowOperation(
        lifecycle.MODEL_WORKFLOW,
        state,
        id=ids.model_workflow(name),
        task_queue=queues.CONTROL,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        # one that was terminated starts anew; one that has completed is retired
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        static_summary=f"owner of the model {name}",
    )
    try:
        return await ask_started(client, start, update, ask, answer)
    except WorkflowAlreadyStartedError:
        return await _answered_before(client, name, update_id, answer)


async def ask_platform(client: Client, update: str, ask: lifecycle.Asked, answer: type[T]) -> T:
    """Put a request to the platform's workflow, starting it should it not run.

    Raises:
        PerennialError: what the workflow refused with.
        WorkersUnavailable, TemporalUnavailable: there was no answer.
    """
    start: WithStartWorkflowOperation[object, object] = WithStartWorkflowOperation(
        lifecycle.PLATFORM_WORKFLOW,
        lifecycle.PlatformState(),
        id=ids.PLATFORM_WORKFLOW,
        task_queue=queues.CONTROL,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="pauses and resumes the platform",
    )
    return await ask_started(client, start, update, ask, answer)


async def ask_started(
    client: Client,
    start: WithStartWorkflowOperation[object, object],
    update: str,
    ask: lifecycle.Asked,
    answer: type[T],
) -> T:
    """Put a request to a workflow that is started for it, should it not run.

    Raises:
        PerennialError: what the workflow refused with.
        WorkersUnavailable, TemporalUnavailable: there was no answer.
    """
    try:
        async with answering(client, ask.request_id):
            given: T = await client.execute_update_with_start_workflow(
                update,
                ask,
                start_workflow_operation=start,
                id=_update_id(update, ask),
                result_type=answer,
            )
            return given
    finally:
        # the operation keeps a failure in a future of its own too, which logs it if nobody looks
        with suppress(Exception, asyncio.CancelledError):
            await asyncio.wait_for(start.workflow_handle(), 0)


async def ask_run(
    client: Client, model: str, run_id: str, update: str, ask: lifecycle.Asked, answer: type[T]
) -> T:
    """Put a request to a run's workflow.

    Raises:
        PerennialError: what the workflow refused with.
        WorkflowGone: the run has ended.
        WorkersUnavailable, TemporalUnavailable: there was no answer.
    """
    handle = client.get_workflow_handle(ids.run_workflow(model, run_id))
    async with answering(client, ask.request_id):
        while True:
            try:
                given: T = await handle.execute_update(
                    update, ask, id=_update_id(update, ask), result_type=answer
                )
                return given
            except WorkflowUpdateFailedError as error:
                if not isinstance(refusal(error.cause), errors.NotYet):
                    raise
            await pause()


async def pause() -> None:
    """Give a workflow time that lives through its past again."""
    await asyncio.sleep(_AGAIN_SECONDS)


async def ask_rollout(
    client: Client,
    model: str,
    environment: str,
    update: str,
    ask: lifecycle.Asked,
    answer: type[T],
) -> T:
    """Put a request to the rollout that a model has in an environment.

    Raises:
        PerennialError: what the workflow refused with.
        WorkflowGone: there is none under way.
        WorkersUnavailable, TemporalUnavailable: there was no answer.
    """
    handle = client.get_workflow_handle(ids.rollout_workflow(model, environment))
    async with answering(client, ask.request_id):
        given: T = await handle.execute_update(
            update, ask, id=_update_id(update, ask), result_type=answer
        )
        return given


async def look_at_rollout(client: Client, model: str, environment: str) -> rollout.RolloutView:
    """Where the rollout is that a model has in an environment. Raises as `ask_rollout`."""
    handle = client.get_workflow_handle(ids.rollout_workflow(model, environment))
    async with answering(client, ""):
        view: rollout.RolloutView = await handle.query(
            lifecycle.STATE, result_type=rollout.RolloutView
        )
        return view


async def _answered_before(client: Client, model: str, update_id: str, answer: type[T]) -> T:
    """The answer that a retired model's workflow gave to this very request while it ran."""
    handle = client.get_workflow_handle(ids.model_workflow(model))
    try:
        async with asyncio.timeout(2):
            given: T = await handle.get_update_handle(update_id, result_type=answer).result(
                rpc_timeout=timedelta(seconds=2)
            )
            return given
    except Exception as error:
        # whatever the reason, there is no earlier answer to give
        raise errors.ModelRetired(
            f"model {model!r} is retired: its life has ended, and its records stay; "
            f"apply a spec under another name",
            model=model,
        ) from error


@asynccontextmanager
async def answering(client: Client, key: str) -> AsyncIterator[None]:
    """Give failures of Temporal and of workflows the platform's names.

    Args:
        client: of Temporal.
        key: the request's idempotency key.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except WorkflowUpdateFailedError as error:
        raise refusal(error.cause) from error
    except (TimeoutError, RPCTimeoutOrCancelledError) as error:
        raise _no_worker(f"no worker answered within {PATIENCE:g} s", key) from error
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise WorkflowGone("the workflow that could answer has ended") from error
        if error.status == RPCStatusCode.FAILED_PRECONDITION:
            # a worker died, or was too slow, in the middle of what the workflow did before
            raise _no_worker(
                "the workflow that could answer is between two workers", key
            ) from error
        if error.status not in _AWAY:
            raise
        raise _away(client) from error
    except RuntimeError as error:
        # a lazy client's first connection fails so
        raise _away(client) from error


def _no_worker(what: str, key: str) -> WorkersUnavailable:
    return WorkersUnavailable(
        f"{what}; `make status` shows whether they run. Ask again with the same Idempotency-Key: "
        f"it has one effect",
        idempotency_key=key,
    )


def _away(client: Client) -> TemporalUnavailable:
    host = client.service_client.config.target_host
    return TemporalUnavailable(
        f"Temporal does not answer at {host}; `make status` shows whether it runs, and "
        f"TEMPORAL_ADDRESS says where it is"
    )


def refusal(cause: BaseException | None) -> errors.PerennialError:
    """The error that a workflow raised, by its name; the innermost one that has a name of ours."""
    named: errors.PerennialError | None = None
    message = str(cause)
    while isinstance(cause, FailureError):
        if isinstance(cause, ApplicationError):
            message = cause.message
            if cls := errors.by_name(cause.type or ""):
                named = cls(cause.message)
        cause = cause.cause
    return named or errors.Refused(message)


def _update_id(update: str, ask: lifecycle.Asked) -> str:
    asked = digest(ask.model_dump(mode="json", exclude=set(ask.STAMPED)))
    return f"{update}/{ask.request_id}/{asked[:12]}"
