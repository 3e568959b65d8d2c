"""Versions trained again: what such a run starts with, and how it is started and ended."""

from __future__ import annotations

from pydantic import ValidationError
from sqlmodel import Session
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from api.asking import answering, ask_started
from api.db.facts.runs import get_run
from api.db.facts.versions import get_version, newest_evidence
from api.db.tables import RunRow
from api.queries.models import read_spec
from perennial.contracts import ids, lifecycle, queues
from perennial.contracts.errors import KeyReused, Refused
from perennial.contracts.lifecycle import RunAccepted
from perennial.contracts.reproduction import (
    REPRODUCE,
    REPRODUCTION_WORKFLOW,
    Reproduce,
    ReproductionInput,
)
from perennial.contracts.spec import ModelSpec, Training


def reproduction_input(session: Session, ask: Reproduce) -> ReproductionInput:
    """The spec that a version was made under, with the hyper-parameters that it was made with.

    Raises:
        NotFound: there is no such version.
        Refused: what is known of it is not enough to train it again.
    """
    version = get_version(session, ask.model, ask.version)
    run = get_run(session, version.run_id)
    spec = ModelSpec.model_validate(read_spec(session, ask.model, run.spec_version).spec)
    evidence = newest_evidence(session, ask.model, ask.version)
    try:
        training = Training.model_validate(evidence.evidence["params"] if evidence else None)
    except ValidationError as error:
        raise Refused(
            f"version {ask.version} of {ask.model} has no evidence with the hyper-parameters of "
            f"its training, so it cannot be trained again; reproduce a later version"
        ) from error
    return ReproductionInput(
        run_id=ask.run_id,
        spec=spec.model_copy(update={"training": training}),
        spec_version=run.spec_version,
        author=ask.actor,
        reason=ask.reason,
        version=ask.version,
        tolerance=ask.tolerance,
    )


def answered_before(session: Session, ask: Reproduce) -> RunAccepted | None:
    """The answer to a request whose run is there already. Raises KeyReused."""
    run = session.get(RunRow, ask.run_id)
    if run is None:
        return None
    same = (run.kind, run.version, run.overrides.get("tolerance"))
    if same != ("reproduction", ask.version, ask.tolerance):
        raise KeyReused(
            f"key {ask.request_id!r} was used for another request, run {run.run_id}; use a new one"
        )
    return RunAccepted(run_id=run.run_id, status=run.status)


async def reproduce(client: Client, ask: Reproduce, input: ReproductionInput) -> RunAccepted:
    """Start the run, or meet the one that this request has started.

    Raises:
        KeyReused: its key was used for another request.
        WorkersUnavailable, TemporalUnavailable: there was no answer.
    """
    start: WithStartWorkflowOperation[object, object] = WithStartWorkflowOperation(
        REPRODUCTION_WORKFLOW,
        input,
        id=ids.run_workflow(ask.model, ask.run_id),
        task_queue=queues.CONTROL,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"version {ask.version} of {ask.model} is trained again, for {ask.actor}",
    )
    return await ask_started(client, start, REPRODUCE, ask, RunAccepted)


async def cancel_reproduction(client: Client, ask: lifecycle.CancelRun, model: str) -> RunAccepted:
    """Tell a reproduction to end: its model's workflow knows nothing of it.

    Raises:
        Refused: it has ended.
        TemporalUnavailable: there was no answer.
    """
    why = f"cancelled by {ask.actor}: {ask.reason}".strip(": ")
    handle = client.get_workflow_handle(ids.run_workflow(model, ask.run_id))
    async with answering(client, ask.request_id):
        try:
            await handle.signal(lifecycle.CANCEL, lifecycle.Cancel(why=why))
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            raise Refused(f"run {ask.run_id} has ended already; start another one") from error
    return RunAccepted(run_id=ask.run_id, status="cancelling")
