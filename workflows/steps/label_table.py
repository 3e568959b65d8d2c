"""Labels from a table that somebody else fills: read in each round, for as long as it is there."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from perennial.contracts import alerts, ids
from perennial.contracts.label_sources import LabelsRead, ReadLabels, read_labels
from perennial.contracts.label_table import LabelTable
from workflows.steps import options
from workflows.steps.ending import read_failure

_PATIENCE = timedelta(minutes=1)
"""With the worker and the records; a table that is away is tried again in the next round."""
_KIND, _KEY = "labels", "table"
_STAYS_AWAY = timedelta(hours=1)
"""So long may a table be away before anybody is told: a database that restarts is no news."""


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


async def tell_of_table(model: str, found: LabelsRead, since: datetime | None) -> datetime | None:
    """Raise an alert about a table that stays away, in each round; close it once it is back.

    Without labels a model is judged by its drift alone, and nothing else would say so.

    Args:
        model: whose labels they are.
        found: by this round.
        since: since when the table was away before this round; None: it was there.

    Returns:
        The same after this round.
    """
    if not found.error:
        if since is not None:
            await workflow.execute_local_activity(
                alerts.close_alert,
                alerts.CloseAlert(
                    model=model,
                    kind=_KIND,
                    key=_KEY,
                    reason="the table can be read again",
                    at=workflow.now(),
                ),
                **options.record(),
                summary="the table of labels is back",
            )
        return None
    now = workflow.now()
    since = found.away_since or since or now
    if now - since >= _STAYS_AWAY:
        await workflow.execute_local_activity(
            alerts.raise_alert,
            alerts.RaiseAlert(
                effect=ids.effect("alert", "labels", model, str(workflow.uuid4())),
                model=model,
                severity="high",
                kind=_KIND,
                key=_KEY,
                title=f"{model}: its table of labels cannot be read",
                body=f"since {since:%Y-%m-%d %H:%M} UTC: {found.error}\nQuality is not judged by "
                f"labels that wait there. None is lost: it is read on from where it was.",
                links={"labels": f"/v1/models/{model}/labels"},
                at=now,
            ),
            **options.record(),
            summary="the table of labels stays away",
        )
    return since
