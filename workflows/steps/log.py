"""The log of requests: what of it cannot be read is told to people, who have to mend it."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from perennial.contracts import alerts, ids, monitoring
from workflows.steps import options

_KIND = "log"


async def tell_of_file(monitored: monitoring.Monitored, broken: str) -> None:
    """A file of the log is none. The same one again is the same alert."""
    await _tell(
        monitored,
        key="file",
        title="a file of its log of requests cannot be read",
        body=f"{broken}\nOther files are read on; a window that this one is of cannot be judged.",
    )


async def tell_of_log(monitored: monitoring.Monitored, why: str, since: datetime) -> None:
    """The log is away, and windows wait for it: nobody else would say so.

    Each look at it has taken ten minutes already: storage that restarts is no news.
    """
    await _tell(
        monitored,
        key="away",
        title="its log of requests cannot be read",
        body=f"since {since:%Y-%m-%d %H:%M} UTC: {why}\nWindows wait for it, and are judged once "
        f"it is back; of a longer standstill the newest, as monitoring.catch_up says.",
    )


async def all_is_there(monitored: monitoring.Monitored) -> None:
    """The log is back."""
    await workflow.execute_local_activity(
        alerts.close_alert,
        alerts.CloseAlert(
            model=monitored.model,
            environment=monitored.environment,
            kind=_KIND,
            key="away",
            reason="the log can be read again",
            at=workflow.now(),
        ),
        **options.record(),
        summary="the log is back",
    )


async def _tell(monitored: monitoring.Monitored, *, key: str, title: str, body: str) -> None:
    await workflow.execute_local_activity(
        alerts.raise_alert,
        alerts.RaiseAlert(
            effect=ids.effect("alert", "log", monitored.model, str(workflow.uuid4())),
            model=monitored.model,
            environment=monitored.environment,
            severity="high",
            kind=_KIND,
            key=key,
            title=f"{monitored.model} in {monitored.environment}: {title}",
            body=body,
            links={"windows": f"/v1/models/{monitored.model}/windows"},
            at=workflow.now(),
        ),
        **options.record(),
        summary=title,
    )
