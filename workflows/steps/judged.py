"""What every run answers to: votes, the word of its model's workflow, and questions about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from perennial.contracts import groups, ids, lifecycle, records
from perennial.contracts.spec import Environment
from workflows.steps import options
from workflows.steps.approval import Approvals
from workflows.steps.effects import Effect
from workflows.steps.ending import Ended, read_failure
from workflows.steps.run import ENVIRONMENT, MODEL, OUTCOME, STAGE, WAITING_FOR, Run
from workflows.steps.together import Together

Life = Callable[[], Coroutine[Any, Any, None]]
_ASK_AGAIN = timedelta(minutes=1)


class Judged:
    """Base of run workflows, yours too: handlers for people, and one way to end.

    A subclass is decorated with `@workflow.defn`, passes its input to `__init__` under
    `@workflow.init`, and calls `to_its_end` from its own `@workflow.run`.
    """

    def __init__(self, input: lifecycle.RunInput) -> None:
        self._run = Run(input)
        self._approvals = Approvals(self._run)
        self._together = Together(self._run)
        self._answers: dict[tuple[str, int], lifecycle.ChampionAnswered] = {}
        self._undone: dict[tuple[str, int], str] = {}
        self._life_task: asyncio.Task[None] | None = None

    @workflow.update(name=lifecycle.APPROVE)
    async def approve(self, vote: lifecycle.CastVote) -> lifecycle.VoteTaken:
        """One person's yes."""
        return await self._approvals.take(vote, approve=True)

    @approve.validator
    def _may_approve(self, vote: lifecycle.CastVote) -> None:
        self._approvals.check(vote)

    @workflow.update(name=lifecycle.REJECT)
    async def reject(self, vote: lifecycle.CastVote) -> lifecycle.VoteTaken:
        """One person's no, which settles it."""
        return await self._approvals.take(vote, approve=False)

    @reject.validator
    def _may_reject(self, vote: lifecycle.CastVote) -> None:
        self._approvals.check(vote)

    @workflow.signal(name=lifecycle.CHAMPION_ANSWERED)
    def champion_answered(self, answer: lifecycle.ChampionAnswered) -> None:
        """The model's workflow moved the champion, or says why not."""
        self._answers[(answer.environment, answer.expected_epoch)] = answer

    @workflow.signal(name=lifecycle.CHAMPION_UNDONE)
    def champion_undone(self, undone: lifecycle.ChampionUndone) -> None:
        """The model's workflow took a move back, or says why there was nothing to take back."""
        self._undone[(undone.environment, undone.expected_epoch)] = undone.what

    @workflow.signal(name=lifecycle.CHAMPION_MOVED)
    def champion_moved(self, champion: records.Champion) -> None:
        """Somebody else's move: an open question about this environment is out of date."""
        self._approvals.supersede(
            champion.environment,
            f"the champion of {champion.environment} changed to "
            f"{champion.version or 'none'} while it was open",
        )

    @workflow.signal(name=lifecycle.CANCEL)
    def cancel(self, cancel: lifecycle.Cancel) -> None:
        """End at once, and say why.

        A signal, since a cancellation of Temporal's carries no reason and can get lost beside
        another event (practices of the SDK). A cancellation from Temporal's UI works too.
        """
        # the first reason stands: who comes later ended nothing
        self._run.cancelled_because = self._run.cancelled_because or cancel.why
        if self._life_task is not None:
            self._life_task.cancel()

    @workflow.signal(name=groups.GROUP_SAYS)
    def group_says(self, says: groups.GroupSays) -> None:
        """The group that it is a member of has moved, or sends it back, or is off."""
        self._together.hear(says)
        if says.what == "off":
            self.cancel(lifecycle.Cancel(why=f"group {self._run.input.group} is off: {says.why}"))

    @workflow.query(name=lifecycle.STATE)
    def state(self) -> lifecycle.RunView:
        """Where the run is."""
        question = self._approvals.question
        view = lifecycle.RunView(
            run_id=self._run.id,
            stage=self._run.stage,
            environment=self._run.environment,
            waiting_for=self._run.waiting_for,
        )
        if question is None:
            return view
        return view.model_copy(
            update={
                "approval_id": question.approval_id,
                "evidence_digest": question.evidence_digest,
                "required": question.required,
                "votes": tuple(question.votes),
                "expires_at": question.expires_at,
            }
        )

    async def to_its_end(self, life: Life) -> lifecycle.RunResult:
        """Live through `life` and keep how it ended, whatever happens.

        A run that failed fails its workflow too, and a cancelled one is cancelled, so that
        Temporal's own lists tell the truth. Denied, rejected and expired runs have done their work.
        """
        run = self._run
        workflow.upsert_search_attributes([MODEL.value_set(run.model)])
        await run.start()
        try:
            run.stop_if_cancelled()
            self._life_task = asyncio.ensure_future(life())
            await self._life_task
            ended = Ended("promoted", f"version {run.version} is champion of {run.reached}")
        except Ended as early:
            ended = early
        except (FailureError, asyncio.CancelledError) as error:
            # anything else is a bug of ours: the run stands still until the code is mended
            if is_cancelled_exception(error):
                if run.cancelled_because:
                    return await self._finish(Ended("cancelled", run.cancelled_because))
                await self._finish(Ended("cancelled", "cancelled in Temporal"))
                raise
            message, type_ = read_failure(error)
            ended = Ended("failed", message, type_)
        result = await self._finish(ended)
        if ended.outcome == "failed":
            raise ApplicationError(
                ended.reason, type=ended.error_type or "Failed", non_retryable=True
            )
        return result

    async def _finish(self, ended: Ended) -> lifecycle.RunResult:
        run = self._run
        # a vote that is being kept must be kept before its run is over
        await workflow.wait_condition(workflow.all_handlers_finished)
        await run.told()
        workflow.upsert_search_attributes(
            [
                OUTCOME.value_set(ended.outcome),
                STAGE.value_set("finished"),
                ENVIRONMENT.value_set(run.reached or ""),
                WAITING_FOR.value_unset(),
            ]
        )
        await workflow.execute_local_activity(
            records.finish_run,
            records.FinishRun(
                effect=ids.effect("run", run.id, "finished"),
                run_id=run.id,
                model=run.model,
                outcome=ended.outcome,
                reason=ended.reason,
                error_type=ended.error_type,
                reached=run.reached,
                at=workflow.now(),
            ),
            **options.record(),
            summary=ended.outcome,
        )
        if run.input.group and ended.outcome != "promoted":
            await self._together.out(f"{ended.outcome}: {ended.reason}")
        return lifecycle.RunResult(
            run_id=run.id,
            outcome=ended.outcome,
            reason=ended.reason,
            version=run.version,
            reached=run.reached,
        )

    async def ask_owner(self, wanted: lifecycle.ChampionWanted) -> lifecycle.ChampionAnswered:
        """Have the model's workflow, the single writer, move a champion."""
        key = (wanted.environment, wanted.expected_epoch)
        self._answers.pop(key, None)
        owner = workflow.get_external_workflow_handle(ids.model_workflow(self._run.model))
        await owner.signal(lifecycle.CHAMPION_WANTED, wanted)
        await workflow.wait_condition(
            lambda: key in self._answers or bool(self._run.cancelled_because)
        )
        self._run.stop_if_cancelled()
        return self._answers.pop(key)

    async def take_back(self, unwanted: lifecycle.ChampionUnwanted) -> str:
        """Have the model's workflow take a move back; a cancellation does not end the wait."""
        key = (unwanted.environment, unwanted.expected_epoch)
        owner = workflow.get_external_workflow_handle(ids.model_workflow(self._run.model))
        while key not in self._undone:
            # again, should the owner have been lost with the request: it is undone once
            await owner.signal(lifecycle.CHAMPION_UNWANTED, unwanted)
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: key in self._undone,
                    timeout=_ASK_AGAIN,
                    timeout_summary="the model's workflow has not answered",
                )
        return self._undone[key]

    def effects_in(
        self, environment: Environment, version: records.VersionRecord
    ) -> Sequence[Effect]:
        """What else becomes true when a version enters an environment; yours to override.

        They are made in this order once the champion has moved. If one fails, or the run is
        cancelled before the last is made, those that were made are undone and the champion with
        them.
        """
        return ()
