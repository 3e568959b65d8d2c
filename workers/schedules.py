"""What happens by the clock: one schedule for the whole platform."""

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

from perennial.contracts import ids, lifecycle, queues

EVERY = timedelta(minutes=1)


async def ensure_schedules(client: Client) -> None:
    """Create the schedule, or bring one of an earlier release to what it should be."""
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(
            lifecycle.RECONCILE_WORKFLOW,
            id=ids.RECONCILE_WORKFLOW,
            task_queue=queues.CONTROL,
            static_summary="tell who was not told; put aliases right",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
        policy=SchedulePolicy(
            # what was missed while everything was down needs no catching up
            overlap=ScheduleOverlapPolicy.SKIP,
            catchup_window=EVERY,
        ),
    )
    try:
        await client.create_schedule(ids.RECONCILE_WORKFLOW, wanted)
    except ScheduleAlreadyRunningError:

        def renew(input: ScheduleUpdateInput) -> ScheduleUpdate:
            # an operator's pause stays
            wanted.state = input.description.schedule.state
            return ScheduleUpdate(wanted)

        await client.get_schedule_handle(ids.RECONCILE_WORKFLOW).update(renew)
