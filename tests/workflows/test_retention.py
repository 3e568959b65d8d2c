"""Once a day what is old is removed: the workflow that a schedule starts."""

from __future__ import annotations

import uuid
from pathlib import Path

from sqlmodel import col, select

from api.db.tables import LedgerRow
from perennial.contracts import queues, retention
from tests.workflows.house import House


async def test_what_is_old_is_removed_and_told_in_the_ledger(house: House, log: Path) -> None:
    await house.apply(request_log={})
    day = log / "environment=production" / f"model={house.model}" / "date=2020-01-01" / "hour=00"
    day.mkdir(parents=True)
    said = await house.client.execute_workflow(
        retention.RETENTION_WORKFLOW,
        id=f"retention-{uuid.uuid4().hex[:8]}",
        task_queue=queues.CONTROL,
    )
    assert said.endswith("0 deliveries, 1 days of the log")
    assert not day.parent.exists()
    with house.store.database.reading() as session:
        row = session.exec(select(LedgerRow).order_by(col(LedgerRow.seq).desc())).first()
    assert row is not None and (row.kind, row.body["removed"]["days"]) == ("retention.swept", 1)
