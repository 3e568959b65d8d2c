"""MLflow's aliases: they follow each move of a champion, and are put back when moved by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from perennial.contracts import ids, registry
from perennial.contracts.spec import Environment
from workflows.steps import options
from workflows.steps.ending import read_failure

_PATIENCE = timedelta(minutes=1)
_PAUSE = timedelta(minutes=1)


class AliasKeeper:
    """The aliases of one model."""

    def __init__(self, model: str, unprojected: Iterable[Environment]) -> None:
        self._model = model
        self._unprojected = list(unprojected)
        self._known: dict[Environment, str] = {}
        """Where aliases were found that are recorded, and not yet put back."""
        self._projecting = False

    def idle(self) -> bool:
        """Whether no alias lags behind."""
        return not (self._unprojected or self._projecting)

    def unprojected(self) -> tuple[Environment, ...]:
        """Environments whose alias may lag behind."""
        return tuple(self._unprojected)

    def follow(self, environment: Environment) -> None:
        """Have an alias brought to what the records say."""
        if environment not in self._unprojected:
            self._unprojected.append(environment)

    def is_news(self, moved: registry.AliasMoved) -> bool:
        """Whether nobody has said so already."""
        return self._known.get(moved.environment) != moved.found

    async def put_right(self, moved: registry.AliasMoved, action: str) -> None:
        """Keep where it was found, then have it put back."""
        self._known[moved.environment] = moved.found
        await workflow.execute_local_activity(
            registry.record_alias_moved,
            registry.RecordAliasMoved(
                effect=ids.effect("alias", self._model, moved.environment, str(workflow.uuid4())),
                moved=moved,
                action=action,
                at=workflow.now(),
            ),
            **options.record(),
            summary=f"alias {moved.environment} was moved by hand",
        )
        self.follow(moved.environment)

    async def project_for_ever(self) -> None:
        """Bring aliases after each move; keep trying while MLflow is away."""
        while True:
            await workflow.wait_condition(lambda: bool(self._unprojected))
            if not await self._project_all():
                await workflow.sleep(_PAUSE, summary="MLflow is away; aliases lag")

    async def _project_all(self) -> bool:
        """Project what lags; whether all of it got through."""
        self._projecting = True
        try:
            while self._unprojected:
                environment = self._unprojected[0]
                # taken out first: a move during the call puts it back, and it is done again
                self._unprojected.pop(0)
                if not await self._project(environment):
                    self._unprojected.append(environment)
                    return False
            return True
        finally:
            self._projecting = False

    async def _project(self, environment: Environment) -> bool:
        try:
            done = await workflow.execute_activity(
                registry.project_alias,
                registry.ProjectAlias(model=self._model, environment=environment),
                **options.registry(_PATIENCE),
                summary=f"alias {environment}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("alias %s lags: %s", environment, read_failure(error)[0])
            return False
        if done.by_hand is not None and self.is_news(done.by_hand):
            # moved by hand since the last look, and overwritten just now
            await self.put_right(done.by_hand, "restored")
        self._known.pop(environment, None)
        return True
