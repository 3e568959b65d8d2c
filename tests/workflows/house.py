"""One model's workflow and its runs, spoken to as the API speaks to them."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, TypeVar

from sqlmodel import select
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.db.store import Store
from api.db.tables import StageRow
from perennial.contracts import ids, lifecycle, platform, queues, records
from perennial.contracts.spec import ModelSpec
from tests.workflows.ml_double import Plan, PlannedML

Answer = TypeVar("Answer")


def key() -> str:
    return uuid.uuid4().hex


class House:
    """A model of its own for one test."""

    def __init__(self, client: Client, store: Store, ml: PlannedML) -> None:
        self.client = client
        self.store = store
        self.ml = ml
        self.model = f"m-{key()[:12]}"
        self.plan: Plan = ml.plan(self.model)

    def spec(self, **changes: Any) -> ModelSpec:
        """A spec that a score of 0.7 or more satisfies; low risk, so that nobody is asked."""
        return ModelSpec.model_validate(
            {
                "model": self.model,
                "project": "nowhere:Planned",
                "task": "binary",
                "source": {"uri": "rows"},
                "metrics": {
                    "primary": "roc_auc",
                    "thresholds": [{"metric": "roc_auc", "min": 0.7}],
                },
                "owners": ["ada@example.org"],
                "risk_tier": "low",
                "patience": "1s",
                **changes,
            }
        )

    async def apply(self, **changes: Any) -> lifecycle.SpecApplied:
        request = key()
        start = WithStartWorkflowOperation(
            lifecycle.MODEL_WORKFLOW,
            lifecycle.ModelState(model=self.model),
            id=ids.model_workflow(self.model),
            task_queue=queues.CONTROL,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        return await self.client.execute_update_with_start_workflow(
            lifecycle.APPLY_SPEC,
            lifecycle.ApplySpec(request_id=request, actor="ada", spec=self.spec(**changes)),
            start_workflow_operation=start,
            id=request,
            result_type=lifecycle.SpecApplied,
        )

    @property
    def owner(self) -> Any:
        return self.client.get_workflow_handle(ids.model_workflow(self.model))

    async def ask(self, update: str, ask: lifecycle.Asked, answer: type[Answer]) -> Answer:
        result: Answer = await self.owner.execute_update(
            update, ask, id=ask.request_id, result_type=answer
        )
        return result

    async def start(
        self,
        score: float = 0.8,
        actor: str = "ada",
        request: str | None = None,
        **changes: Any,
    ) -> lifecycle.RunAccepted:
        request = request or key()
        return await self.ask(
            lifecycle.START_RUN,
            lifecycle.StartRun(
                request_id=request,
                actor=actor,
                run_id=ids.run_id(self.model, request),
                params={"score": score},
                **changes,
            ),
            lifecycle.RunAccepted,
        )

    def run_handle(self, run_id: str) -> Any:
        return self.client.get_workflow_handle(ids.run_workflow(self.model, run_id))

    async def result(self, run_id: str) -> lifecycle.RunResult:
        """The result of a run, which its model's workflow starts in its turn."""
        handle = self.client.get_workflow_handle(
            ids.run_workflow(self.model, run_id), result_type=lifecycle.RunResult
        )
        async with asyncio.timeout(60):
            while True:
                try:
                    return await handle.result()
                except RPCError as error:
                    if error.status != RPCStatusCode.NOT_FOUND:
                        raise
                    await asyncio.sleep(0.1)

    async def run(self, score: float = 0.8, actor: str = "ada") -> lifecycle.RunResult:
        accepted = await self.start(score, actor)
        return await self.result(accepted.run_id)

    async def view(self, run_id: str) -> lifecycle.RunView:
        """What a run says of itself; `queued` while its model's workflow has not started it."""
        handle = self.client.get_workflow_handle(ids.run_workflow(self.model, run_id))
        try:
            view: lifecycle.RunView = await handle.query(
                lifecycle.STATE, result_type=lifecycle.RunView
            )
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return lifecycle.RunView(run_id=run_id, stage="queued")
        return view

    async def waits(self, run_id: str, *, other_than: str = "") -> lifecycle.RunView:
        """What a run says of itself once it asks people, or asks them again."""
        async with asyncio.timeout(30):
            while True:
                view = await self.view(run_id)
                if view.approval_id not in ("", other_than):
                    return view
                await asyncio.sleep(0.05)

    def stages(self, run_id: str, status: str) -> set[str]:
        """The stages of a run that are so now."""
        with self.store.database.reading() as session:
            rows = session.exec(select(StageRow).where(StageRow.run_id == run_id))
            return {row.stage for row in rows if row.status == status}

    async def vote(
        self,
        view: lifecycle.RunView,
        actor: str,
        *,
        approve: bool = True,
        roles: tuple[str, ...] = ("approver",),
        digest: str | None = None,
        request: str | None = None,
    ) -> lifecycle.VoteTaken:
        request = request or key()
        handle = self.client.get_workflow_handle(ids.run_workflow(self.model, view.run_id))
        taken: lifecycle.VoteTaken = await handle.execute_update(
            lifecycle.APPROVE if approve else lifecycle.REJECT,
            lifecycle.CastVote(
                request_id=request,
                actor=actor,
                approval_id=view.approval_id,
                roles=roles,
                evidence_digest=digest or view.evidence_digest,
            ),
            id=request,
            result_type=lifecycle.VoteTaken,
        )
        return taken

    def champions(self) -> dict[str, int | None]:
        found = self.store.read_champions(records.ReadChampions(model=self.model))
        return {champion.environment: champion.version for champion in found.champions}

    async def lever(self, update: str, actor: str = "root") -> lifecycle.ModelStatus:
        return await self.ask(
            update, lifecycle.Lever(request_id=key(), actor=actor), lifecycle.ModelStatus
        )

    async def lever_of_all(self, update: str, request: str | None = None) -> platform.Platform:
        """Pause or resume the whole platform."""
        request = request or key()
        start = WithStartWorkflowOperation(
            lifecycle.PLATFORM_WORKFLOW,
            lifecycle.PlatformState(),
            id=ids.PLATFORM_WORKFLOW,
            task_queue=queues.CONTROL,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        return await self.client.execute_update_with_start_workflow(
            update,
            lifecycle.Lever(request_id=request, actor="root", reason="incident 7"),
            start_workflow_operation=start,
            id=f"{update}/{request}",
            result_type=platform.Platform,
        )

    async def roll_back(
        self, environment: str, to_version: int | None = None, request: str | None = None
    ) -> records.Champion:
        return await self.ask(
            lifecycle.ROLL_BACK,
            lifecycle.RollBack.model_validate(
                {
                    "request_id": request or key(),
                    "actor": "ada",
                    "environment": environment,
                    "to_version": to_version,
                }
            ),
            records.Champion,
        )


def refusal(error: WorkflowUpdateFailedError) -> ApplicationError:
    """The reason that the caller of an update is given."""
    assert isinstance(error.cause, ApplicationError)
    return error.cause
