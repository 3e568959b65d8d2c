"""Workers are replaced one after another under load, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from temporalio.service import RPCError, RPCStatusCode

from perennial.contracts import lifecycle
from tests.unit.records.reading import kinds
from tests.workers.town import Town
from tests.workflows.house import House, key

T = TypeVar("T")

MODELS, LAST = 50, 5
ENVIRONMENTS = ("development", "production")


async def test_a_rolling_restart_under_fifty_runs_loses_nothing(town: Town) -> None:
    first = await town.control().polls()
    houses = [town.house() for _ in range(MODELS)]
    runs = await _few_at_a_time(map(_under_way, houses))
    second = await town.control().polls()

    lives = [
        asyncio.create_task(_ended(house, run)) for house, run in zip(houses, runs, strict=True)
    ]
    # the last ones train until both workers are gone, however quick the others are
    for house in houses[:-LAST]:
        house.plan.release("train")
    await _until_ended(lives, MODELS // 10)
    first.terminate()
    assert await first.ended() == 0
    third = await town.control().polls()
    await _until_ended(lives, MODELS // 2)
    second.terminate()
    assert await second.ended() == 0

    for house in houses[-LAST:]:
        house.plan.release("train")
    results = await asyncio.gather(*lives)
    assert {(result.outcome, result.reached) for result in results} == {("promoted", "production")}
    third.terminate()
    assert await third.ended() == 0
    assert not third.ready.exists()
    attempts = Counter(await asyncio.gather(*map(_most_attempts, houses, runs)))
    assert attempts == {1: MODELS}, "what a worker had begun it finished before it went"
    assert Counter(kinds(town.store)) == {
        "spec.applied": MODELS,
        "run.requested": MODELS,
        "snapshot.taken": MODELS,
        "version.created": MODELS,
        "evidence.recorded": MODELS,
        "decision.made": MODELS * len(ENVIRONMENTS),
        "champion.moved": MODELS * len(ENVIRONMENTS),
        "run.finished": MODELS,
    }


async def _under_way(house: House) -> str:
    """A run that trains until it is released."""
    house.plan.hold("train")
    request = key()
    await _insisting(lambda: house.apply(environments=ENVIRONMENTS))
    run = await _insisting(lambda: house.start(request=request))
    await house.plan.reached("train")
    return run.run_id


async def _insisting(ask: Callable[[], Awaitable[T]]) -> T:
    """On a machine that is too busy a workflow may not be ready for a question."""
    while True:
        try:
            return await ask()
        except RPCError as error:
            if error.status != RPCStatusCode.FAILED_PRECONDITION:
                raise
            await asyncio.sleep(0.5)


async def _ended(house: House, run_id: str) -> lifecycle.RunResult:
    return lifecycle.RunResult.model_validate(await house.run_handle(run_id).result())


async def _most_attempts(house: House, run_id: str) -> int:
    history = await house.run_handle(run_id).fetch_history()
    return max(
        event.activity_task_started_event_attributes.attempt
        for event in history.events
        if event.HasField("activity_task_started_event_attributes")
    )


async def _few_at_a_time(asked: Iterable[Awaitable[str]]) -> list[str]:
    """So that it is the restart that is tested, and not how much this machine can take."""
    gate = asyncio.Semaphore(5)

    async def through(one: Awaitable[str]) -> str:
        async with gate:
            return await one

    return list(await asyncio.gather(*map(through, asked)))


async def _until_ended(lives: list[asyncio.Task[lifecycle.RunResult]], count: int) -> None:
    async with asyncio.timeout(180):
        while sum(life.done() for life in lives) < count:
            await asyncio.wait(
                [life for life in lives if not life.done()], return_when=asyncio.FIRST_COMPLETED
            )
