"""What happens by the clock: three schedules for the whole platform."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from perennial.contracts import alerts, ids, lifecycle, queues, retention

EVERY = timedelta(minutes=1)
_DAY, _NIGHT = timedelta(days=1), timedelta(hours=3)


async def ensure_schedules(client: Client) -> None:
    """Create the schedules, or bring those of an earlier release to what they should be."""
    await _ensure(
        client,
        ids.RECONCILE_WORKFLOW,
        lifecycle.RECONCILE_WORKFLOW,
        "tell who was not told; put aliases right",
    )
    # it never ends: the schedule starts it once, and again should somebody have ended it
    await _ensure(client, ids.ALERTS_WORKFLOW, alerts.ALERTS_WORKFLOW, "send alerts")
    await _ensure(
        client,
        ids.RETENTION_WORKFLOW,
        retention.RETENTION_WORKFLOW,
        "remove what was kept for long enough",
        ScheduleIntervalSpec(every=_DAY, offset=_NIGHT),
    )


async def _ensure(
    client: Client,
    id_: str,
    workflow: str,
    summary: str,
    when: ScheduleIntervalSpec = ScheduleIntervalSpec(every=EVERY),
) -> None:
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(
            workflow, id=id_, task_queue=queues.CONTROL, static_summary=summary
        ),
        spec=ScheduleSpec(intervals=[when]),
        policy=SchedulePolicy(
            # of what was missed while everything was down the last one is enough
            overlap=ScheduleOverlapPolicy.SKIP,
            catchup_window=when.every,
        ),
    )
    try:
        await client.create_schedule(id_, wanted)
    except ScheduleAlreadyRunningError:

        def renew(input: ScheduleUpdateInput) -> ScheduleUpdate:
            # an operator's pause stays
            wanted.state = input.description.schedule.state
            return ScheduleUpdate(wanted)

        await client.get_schedule_handle(id_).update(renew)
