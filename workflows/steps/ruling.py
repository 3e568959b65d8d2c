"""People are told that a rollout waits for their word, with a page to say it on."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from perennial.contracts import alerts, ids, rollout
from workflows.steps import options

_KIND = "rollout"


async def ask_people(
    input: rollout.RolloutInput, part: str, reason: str, expires: datetime
) -> None:
    """Raise an alert that leads to the page.

    Args:
        input: of the rollout.
        part: what the version has at this step, in words.
        reason: why the figures decide nothing.
        expires: when it is called off because nobody has ruled.
    """
    where = f"{input.model} -e {input.environment}"
    await workflow.execute_local_activity(
        alerts.raise_alert,
        alerts.RaiseAlert(
            effect=ids.effect("alert", "ruling", input.run_id, str(workflow.uuid4())),
            model=input.model,
            environment=input.environment,
            severity="high",
            kind=_KIND,
            key=input.run_id,
            title=f"version {input.version} waits at {part} in {input.environment} for a person",
            body=f"{reason}\nIt is called off at {expires:%Y-%m-%d %H:%M} UTC unless somebody "
            f"rules on it.\nperennial --as NAME rollout go-on {where}\n"
            f"perennial --as NAME rollout call-off {where}",
            detail={"run_id": input.run_id, "version": input.version},
            links={
                "page": f"/rule/{input.model}/{input.environment}",
                "rollout": f"/v1/models/{input.model}/rollouts/{input.environment}",
            },
            at=workflow.now(),
        ),
        **options.record(),
        summary="people are asked",
    )


async def nobody_is_asked(input: rollout.RolloutInput) -> None:
    """Close the alert: somebody ruled, the figures decided it, or it is called off."""
    await workflow.execute_local_activity(
        alerts.close_alert,
        alerts.CloseAlert(
            model=input.model,
            environment=input.environment,
            kind=_KIND,
            key=input.run_id,
            reason="it waits for nobody any more",
            at=workflow.now(),
        ),
        **options.record(),
        summary="people are asked no more",
    )
