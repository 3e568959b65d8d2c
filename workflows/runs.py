"""The runs of one model: one under way, the others in a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import FailureError, is_cancelled_exception

from perennial.contracts import ids, lifecycle, queues, records
from perennial.contracts.records import Outcome
from workflows.steps import options
from workflows.steps.ending import read_failure
from workflows.steps.run import MODEL

MOST_WAITING = 100


class RunQueue:
    """Starts children in turn and sees each to its end."""

    def __init__(self, model: str, waiting: Iterable[lifecycle.RunInput]) -> None:
        self._model = model
        self._waiting = list(waiting)
        self._started: dict[str, lifecycle.RunInput] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._children: dict[str, workflow.ChildWorkflowHandle[object, object]] = {}

    def idle(self) -> bool:
        """Whether no run is under way or waits."""
        return not self._waiting and not self._started

    def can_start(self) -> bool:
        """Whether the next one may start."""
        return bool(self._waiting) and not self._started

    def full(self) -> bool:
        """Whether no further run may wait."""
        return len(self._waiting) >= MOST_WAITING

    def knows(self, run_id: str) -> bool:
        """Whether it is queued or under way."""
        return run_id in self._started or any(w.run_id == run_id for w in self._waiting)

    def waiting(self) -> tuple[lifecycle.RunInput, ...]:
        """The queue, first one first."""
        return tuple(self._waiting)

    def under_way(self) -> list[lifecycle.RunInput]:
        """Runs that have started and not ended."""
        return list(self._started.values())

    def describe(self) -> str:
        """For the Temporal UI."""
        now = ", ".join(self._started) or "none"
        return f"run under way: {now}; {len(self._waiting)} waiting"

    def add(self, input: lifecycle.RunInput) -> int:
        """Queue a run; returns how many are before it."""
        if not self.knows(input.run_id):
            self._waiting.append(input)
        return len(self._started) + len(self._waiting) - 1

    async def start_next(self) -> None:
        """Start the run whose turn it is."""
        input = self._waiting.pop(0)
        self._started[input.run_id] = input
        life = input.kind == "lifecycle"
        try:
            child = await workflow.start_child_workflow(
                input.spec.lifecycle.workflow if life else lifecycle.PROMOTION_WORKFLOW,
                input,
                id=ids.run_workflow(self._model, input.run_id),
                task_queue=input.spec.lifecycle.task_queue if life else queues.CONTROL,
                result_type=lifecycle.RunResult,
                # a run outlives an owner that an operator terminates; nothing is lost by that
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"{input.kind} of {self._model} by {input.author}"
                + (f": {input.reason}" if input.reason else ""),
                search_attributes=TypedSearchAttributes([SearchAttributePair(MODEL, self._model)]),
            )
        except FailureError as error:
            del self._started[input.run_id]
            await self._record_end(input, "failed", f"could not start: {read_failure(error)[0]}")
            return
        self._children[input.run_id] = child
        self._watches[input.run_id] = asyncio.create_task(self._watch(input, child))

    async def cancel(self, run_id: str, why: str) -> None:
        """Take a run out of the queue, or tell it to end."""
        for input in self._waiting:
            if input.run_id == run_id:
                self._waiting.remove(input)
                await self._record_end(input, "cancelled", why)
                return
        if child := self._children.get(run_id):
            try:
                await child.signal(lifecycle.CANCEL, lifecycle.Cancel(why=why))
            except FailureError:
                workflow.logger.info("run %s ended before it heard of its cancellation", run_id)

    async def cancel_all(self, why: str) -> None:
        """Cancel every run."""
        for input in [*self.waiting(), *self.under_way()]:
            await self.cancel(input.run_id, why)

    async def _watch(
        self,
        input: lifecycle.RunInput,
        child: workflow.ChildWorkflowHandle[object, object],
    ) -> None:
        try:
            await child
        except FailureError as error:
            # A run records its own end, and the first end stands. One that was terminated or
            # timed out from outside could not.
            outcome: Outcome = "cancelled" if is_cancelled_exception(error) else "failed"
            await self._record_end(input, outcome, f"ended from outside: {read_failure(error)[0]}")
        finally:
            self._started.pop(input.run_id, None)
            self._children.pop(input.run_id, None)
            self._watches.pop(input.run_id, None)

    async def _record_end(self, input: lifecycle.RunInput, outcome: Outcome, why: str) -> None:
        await workflow.execute_local_activity(
            records.finish_run,
            records.FinishRun(
                effect=ids.effect("run", input.run_id, "finished"),
                run_id=input.run_id,
                model=self._model,
                outcome=outcome,
                reason=why,
                at=workflow.now(),
            ),
            **options.record(),
            summary=f"{input.run_id} {outcome}",
        )
