"""A run as its steps see it: what was asked, where it is, and what people can watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Literal

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import FailureError, is_cancelled_exception

from perennial.contracts import ids, records
from perennial.contracts.lifecycle import RunInput
from perennial.contracts.search import Searched
from perennial.contracts.spec import Environment, ModelSpec, duration
from workflows.steps import options
from workflows.steps.ending import Ended, read_failure

MODEL = SearchAttributeKey.for_keyword("ModelName")
STAGE = SearchAttributeKey.for_keyword("Stage")
ENVIRONMENT = SearchAttributeKey.for_keyword("Environment")
OUTCOME = SearchAttributeKey.for_keyword("Outcome")
WAITING_FOR = SearchAttributeKey.for_keyword("WaitingFor")

_SIGNS = {"running": "…", "passed": "✓", "failed": "✗"}


class StageNotes:
    """What a stage says of itself when it has passed."""

    def __init__(self) -> None:
        self.summary = ""
        self.detail: dict[str, Any] = {}

    def say(self, summary: str, **detail: Any) -> None:
        """One sentence for people, and figures for programs."""
        self.summary = summary
        self.detail = detail


class Run:
    """The run that a workflow carries through its steps."""

    def __init__(self, input: RunInput) -> None:
        self.input = input
        self.stage: records.Stage | Literal["queued"] = "queued"
        self.environment: Environment | None = None
        self.waiting_for = ""
        self.version: int | None = input.version
        self.reached: Environment | None = None
        self.cancelled_because = ""
        self.searched: Searched | None = None
        self._lines: dict[tuple[str, str], str] = {}
        self._ended: records.MarkStage | None = None
        self._telling: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        """The run's id."""
        return self.input.run_id

    @property
    def model(self) -> str:
        """The model's name."""
        return self.input.spec.model

    @property
    def spec(self) -> ModelSpec:
        """The spec that holds for this run."""
        return self.input.spec

    def take_parameters(self, searched: Searched) -> None:
        """From now on the run's training is the one that a search found."""
        self.searched = searched
        spec = self.spec.model_copy(update={"training": searched.training})
        self.input = self.input.model_copy(update={"spec": spec})

    @property
    def patience(self) -> timedelta:
        """How long the run waits for a system that is away."""
        return duration(self.spec.patience)

    @property
    def now(self) -> datetime:
        """The workflow's clock."""
        return workflow.now()

    def effect(self, *parts: str | int) -> str:
        """A key for one change made by this run."""
        return ids.effect("run", self.id, *parts)

    @asynccontextmanager
    async def during(
        self, stage: records.Stage, environment: Environment | None = None
    ) -> AsyncIterator[StageNotes]:
        """Show a stage while it goes on, and how it ended, to everyone who watches."""
        # an activity that finishes while it is being cancelled swallows the cancellation
        self.stop_if_cancelled()
        notes = StageNotes()
        self.stage, self.environment = stage, environment
        workflow.upsert_search_attributes(
            [STAGE.value_set(stage), ENVIRONMENT.value_set(environment or "")]
        )
        await self._mark(stage, environment, "running", "")
        try:
            yield notes
        except Exception as error:
            # a cancelled run marks its stages when it records its end
            if not is_cancelled_exception(error):
                await self._mark(stage, environment, "failed", _reason(error), notes.detail)
            raise
        self._ended = self._marked(stage, environment, "passed", notes.summary, notes.detail)
        self._telling = asyncio.ensure_future(self._tell_end())

    async def told(self) -> None:
        """Wait until what the run has gone through is shown."""
        if self._telling is not None:
            await self._telling

    async def _tell_end(self) -> None:
        """Show the end of a stage, unless the next one has begun at once and told it with itself.

        As a task of its own it comes after whatever the run does without waiting.
        """
        if self._ended is not None:
            ended, self._ended = self._ended, None
            await self._keep(ended)

    async def show(self, summary: str, **detail: Any) -> None:
        """Say how far the stage is that is under way."""
        assert self.stage != "queued"  # called within `during`
        await self._mark(self.stage, self.environment, "running", summary, detail)

    def stop_if_cancelled(self) -> None:
        """End the run if it was asked to end."""
        if self.cancelled_because:
            raise Ended("cancelled", self.cancelled_because)

    async def start(self) -> None:
        """Show that the run has left its queue."""
        self.wait_for("")
        await workflow.execute_local_activity(
            records.mark_run,
            records.MarkRun(run_id=self.id, status="running", at=self.now),
            **options.record(),
            summary="start",
        )

    def wait_for(self, what: str) -> None:
        """Say in Temporal what the run waits for; the records say so with what it waits for."""
        self.waiting_for = what
        workflow.upsert_search_attributes([WAITING_FOR.value_set(what)])

    async def _mark(
        self,
        stage: records.Stage,
        environment: Environment | None,
        status: records.StageStatus,
        summary: str,
        detail: dict[str, Any] | None = None,
    ) -> None:
        mark = self._marked(stage, environment, status, summary, detail or {})
        ended, self._ended = self._ended, None
        await self._keep(mark.model_copy(update={"ended": ended}))

    def _marked(
        self,
        stage: records.Stage,
        environment: Environment | None,
        status: records.StageStatus,
        summary: str,
        detail: dict[str, Any],
    ) -> records.MarkStage:
        line = f"{_SIGNS[status]} **{_name(stage, environment)}** {summary}"
        self._lines[(stage, environment or "")] = line.strip()
        workflow.set_current_details("\n\n".join(self._lines.values()))
        return records.MarkStage(
            run_id=self.id,
            stage=stage,
            environment=environment,
            status=status,
            at=self.now,
            summary=summary,
            detail=detail,
        )

    async def _keep(self, mark: records.MarkStage) -> None:
        marks = (mark,) if mark.ended is None else (mark.ended, mark)
        await workflow.execute_local_activity(
            records.mark_stage,
            mark,
            **options.record(),
            summary=", ".join(f"{_name(m.stage, m.environment)} {m.status}" for m in marks),
        )


def _name(stage: records.Stage, environment: Environment | None) -> str:
    return f"{stage} ({environment})" if environment else stage


def _reason(error: BaseException) -> str:
    if isinstance(error, Ended):
        return error.reason
    if isinstance(error, FailureError):
        return read_failure(error)[0]
    return str(error)
