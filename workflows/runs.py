"""The runs of one model: one under way, the others in a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from perennial.contracts import groups, ids, lifecycle, queues, records
from perennial.contracts.records import Outcome
from workflows import lanes
from workflows.steps import options
from workflows.steps.ending import read_failure
from workflows.steps.run import MODEL


class RunQueue:
    """Starts children in turn and sees each to its end."""

    def __init__(self, model: str, waiting: Iterable[lifecycle.RunInput]) -> None:
        self._model = model
        self._waiting = list(waiting)
        self._started: dict[str, lifecycle.RunInput] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._children: dict[str, workflow.ChildWorkflowHandle[object, object]] = {}
        self._unheard: dict[str, str] = {}
        self.arriving = asyncio.Lock()
        """Held while a run is recorded that has been taken: nothing starts and none overtakes."""

    def idle(self) -> bool:
        """Whether no run is under way or waits."""
        return not self._waiting and not self._started

    def can_start(self) -> bool:
        """Whether the next one may start."""
        return bool(self._waiting) and not self._started and not self.arriving.locked()

    def would(self, input: lifecycle.RunInput) -> lanes.Arrival[lifecycle.RunInput]:
        """What the arrival of this run would come to now."""
        return lanes.arrive(input, self.under_way(), self._waiting, input.spec.concurrency)

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

    def check_room(self, input: lifecycle.RunInput) -> None:
        """Refuse a run that is not taken. Raises ApplicationError."""
        if input.hotfix and not input.reason.strip():
            raise ApplicationError(
                "a hotfix goes before others: say why, as its reason",
                type="BadInput",
                non_retryable=True,
            )
        if why := self.no_room(input):
            raise ApplicationError(why, type="Refused", non_retryable=True)

    def no_room(self, input: lifecycle.RunInput) -> str:
        """Why a run would not be taken now; empty where it would."""
        refused = self.would(input).refused
        full = f"the queue of {self._model!r} is full; cancel runs or wait"
        return (full if refused == "full" else self._busy()) if refused else ""

    def _busy(self) -> str:
        if not self._started:
            return f"{self._model!r} has a run waiting and the spec says concurrency: reject"
        return (
            f"run {next(iter(self._started))} of {self._model!r} is under way and the spec says "
            f"concurrency: reject; wait for it or cancel it"
        )

    def admit(self, input: lifecycle.RunInput) -> lanes.Arrival[lifecycle.RunInput]:
        """Queue a run in its lane; those that it drops and ends are still to be told."""
        if self.knows(input.run_id):
            return lanes.Arrival(self.waiting())
        arrival = self.would(input)
        self._waiting = list(arrival.waiting)
        return arrival

    async def make_room(
        self, input: lifecycle.RunInput, arrival: lanes.Arrival[lifecycle.RunInput]
    ) -> None:
        """Tell those that an arrival drops and ends."""
        why = f"replaced by run {input.run_id}"
        if input.hotfix:
            why = f"overtaken by hotfix {input.run_id} of {input.author}: {input.reason}"
        for other in arrival.dropped:
            await self._record_end(other, "cancelled", why)
        for other in arrival.ended:
            await self.cancel(other.run_id, why)

    def ahead(self, run_id: str) -> int:
        """How many runs are before one that waits."""
        before = [waiting.run_id for waiting in self._waiting]
        return len(self._started) + (before.index(run_id) if run_id in before else 0)

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
            self._unheard.pop(input.run_id, None)
            await self._record_end(input, "failed", f"could not start: {read_failure(error)[0]}")
            return
        self._children[input.run_id] = child
        if why := self._unheard.pop(input.run_id, ""):
            await self._tell(input.run_id, why)
        self._watches[input.run_id] = asyncio.create_task(self._watch(input, child))

    async def cancel(self, run_id: str, why: str) -> None:
        """Take a run out of the queue, or tell it to end."""
        for input in self._waiting:
            if input.run_id == run_id:
                self._waiting.remove(input)
                await self._record_end(input, "cancelled", why)
                return
        if run_id in self._children:
            await self._tell(run_id, why)
        elif run_id in self._started:  # its workflow is being started at this moment
            self._unheard.setdefault(run_id, why)

    async def _tell(self, run_id: str, why: str) -> None:
        try:
            await self._children[run_id].signal(lifecycle.CANCEL, lifecycle.Cancel(why=why))
        except FailureError:
            workflow.logger.info("run %s ended before it heard of its cancellation", run_id)

    async def cancel_all(self, why: str) -> None:
        """Cancel every run."""
        await self.drop_all(why)
        for input in self.under_way():
            await self.cancel(input.run_id, why)

    async def drop_all(self, why: str) -> None:
        """Cancel every run that waits."""
        for input in self.waiting():
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
        await self.tell_group(input, f"{outcome}: {why}")

    async def tell_group(self, member: lifecycle.RunInput | lifecycle.Promote, why: str) -> None:
        """Tell a group, if a run is or was to be a member of one, that it will not move."""
        if not member.group:
            return
        says = groups.MemberSays(model=self._model, run_id=member.run_id, what="out", why=why)
        group = workflow.get_external_workflow_handle(ids.group_workflow(member.group))
        try:
            await group.signal(groups.MEMBER_SAYS, says)
        except FailureError:
            workflow.logger.info("group %s is over already", member.group)
