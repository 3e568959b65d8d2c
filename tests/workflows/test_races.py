"""Two promotions for one epoch: one wins, the other is refused on record and judged again."""

from __future__ import annotations

from sqlmodel import select

from api.db.tables import LedgerRow
from perennial.contracts import ids, lifecycle, queues, records
from tests.samples import at, record_run
from tests.workflows.house import House
from tests.workflows.waiting import until


async def promote_unasked(house: House, run_id: str, version: int) -> None:
    """A promotion whose owner was lost: it goes on beside whatever the model has under way."""
    house.store.record_run(
        record_run(run_id, house.model, kind="promotion", version=version, at=at())
    )
    await house.client.start_workflow(
        lifecycle.PROMOTION_WORKFLOW,
        lifecycle.RunInput(
            run_id=run_id,
            kind="promotion",
            spec=house.spec(environments=["development"]),
            spec_version=1,
            author="ada",
            version=version,
        ),
        id=ids.run_workflow(house.model, run_id),
        task_queue=queues.CONTROL,
    )
    await until(lambda: "promote" in house.stages(run_id, "running"))


async def test_of_two_promotions_one_wins_and_the_other_is_judged_again(house: House) -> None:
    await house.apply(environments=["development"])
    for score in (0.8, 0.85, 0.9):
        await house.run(score)
    await house.roll_back("development", to_version=1)
    await house.lever(lifecycle.PAUSE)  # so that both have asked before either is answered
    better, best = f"{house.model}-better", f"{house.model}-best"
    await promote_unasked(house, better, 2)
    await promote_unasked(house, best, 3)
    await house.lever(lifecycle.RESUME)
    assert (await house.result(better)).outcome == "promoted"
    assert (await house.result(best)).outcome == "promoted"
    found = house.store.read_champions(records.ReadChampions(model=house.model))
    champion = found.in_("development")
    assert (champion.version, champion.epoch) == (3, 6)
    with house.store.database.reading() as session:
        rows = session.exec(
            select(LedgerRow).where(
                LedgerRow.model == house.model, LedgerRow.kind == "champion.refused"
            )
        ).all()
    (refused,) = [row.body for row in rows]
    assert (refused["expected"], refused["found"], refused["run_id"]) == (4, 5, best)
