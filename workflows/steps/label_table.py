"""Labels from a table that somebody else fills: read in each round, for as long as it is there."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from perennial.contracts.label_sources import LabelsRead, ReadLabels, read_labels
from perennial.contracts.label_table import LabelTable
from workflows.steps import options
from workflows.steps.ending import read_failure

_PATIENCE = timedelta(minutes=1)
"""With the worker and the records; a table that is away is tried again in the next round."""


async def read_table(model: str, table: LabelTable) -> LabelsRead:
    """Read on. What cannot be read is said, and waits: whoever watches goes on without it."""
    try:
        found: LabelsRead = await workflow.execute_activity(
            read_labels,
            ReadLabels(model=model, table=table),
            **options.compute(_PATIENCE),
            summary=f"labels by {table.watermark}",
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return LabelsRead(error=read_failure(error)[0])
    if found.error:
        workflow.logger.warning("labels of %s wait: %s", model, found.error)
    return found
