"""The monitors of one model: started when there is something to watch, told when it changes."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import FailureError, is_cancelled_exception

from perennial.contracts import ids, monitoring, queues
from perennial.contracts.spec import Environment, ModelSpec
from workflows.steps.run import MODEL


class Watchers:
    """Monitors live on their own: they outlast what started them, and end with the model."""

    def __init__(self, model: str, spec: Callable[[], ModelSpec | None]) -> None:
        self._model = model
        self._spec = spec
        self._told: set[str] = set()

    async def look(self, environment: Environment) -> None:
        """Have an environment's monitor look again; start it where there is none.

        A monitor that finds nothing to watch ends by itself.
        """
        spec = self._spec()
        if spec is None or (
            spec.monitoring_in(environment) is None and environment not in self._told
        ):
            return
        self._told.add(environment)
        id = ids.monitor_workflow(self._model, environment)
        try:
            await workflow.get_external_workflow_handle(id).signal(monitoring.LOOK_AGAIN)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            await self._start(environment, id)

    async def look_everywhere(self) -> None:
        """The same in all environments of the spec."""
        spec = self._spec()
        for environment in spec.environments if spec is not None else ():
            await self.look(environment)

    async def _start(self, environment: Environment, id: str) -> None:
        try:
            await workflow.start_child_workflow(
                monitoring.MONITOR_WORKFLOW,
                monitoring.MonitorState(model=self._model, environment=environment),
                id=id,
                task_queue=queues.CONTROL,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"{self._model} in {environment}",
                search_attributes=TypedSearchAttributes([SearchAttributePair(MODEL, self._model)]),
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            # it was started meanwhile
            workflow.logger.info("no monitor started: %s", error)
