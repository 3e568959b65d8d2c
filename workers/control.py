"""The control worker: workflows, records and policy. Light: no ML library is loaded here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.alerts import AlertActivities
from activities.channels import read_channels
from activities.labels_waiting import LabelsWaitingActivities
from activities.monitoring import MonitoringActivities
from activities.owners import OwnerActivities
from activities.policy import PolicyActivities
from activities.records import RecordActivities
from activities.rollouts import RolloutActivities
from activities.schedules import ScheduleActivities
from api.db.store import Store
from perennial.contracts import queues
from perennial.settings import Settings
from workers.interceptors import ErrorTranslation
from workers.registration import HEARTBEAT_EVERY, methods
from workers.stopping import DRAIN
from workers.versioning import deployment
from workflows.alerts import AlertsWorkflow
from workflows.due import DueWorkflow
from workflows.group import GroupRollbackWorkflow, GroupWorkflow
from workflows.guard import GuardWorkflow
from workflows.labelling import LabellingWorkflow
from workflows.lifecycle import LifecycleWorkflow
from workflows.model import ModelWorkflow
from workflows.monitoring import MonitoringWorkflow
from workflows.platform import PlatformWorkflow
from workflows.promotion import PromotionWorkflow
from workflows.reconcile import ReconcileWorkflow
from workflows.reproduction import ReproductionWorkflow
from workflows.retention import RetentionWorkflow
from workflows.rollout import RolloutWorkflow

WORKFLOWS = [
    ModelWorkflow,
    LifecycleWorkflow,
    PromotionWorkflow,
    ReproductionWorkflow,
    PlatformWorkflow,
    ReconcileWorkflow,
    RolloutWorkflow,
    GuardWorkflow,
    GroupWorkflow,
    GroupRollbackWorkflow,
    MonitoringWorkflow,
    DueWorkflow,
    AlertsWorkflow,
    LabellingWorkflow,
    RetentionWorkflow,
]
ACTIVITIES = (
    RecordActivities,
    PolicyActivities,
    OwnerActivities,
    RolloutActivities,
    MonitoringActivities,
    LabelsWaitingActivities,
    ScheduleActivities,
    AlertActivities,
)

_WATCHES = 1000
"""Activities at once. Nearly all of them sleep: a guard watches a champion for days. A platform
with more rollouts and guards under way than that needs more of these workers."""

_LOADED_ONCE = ("workflows",)
"""Our own workflow code is not loaded again for every run: that was half of what a worker spent on
a short one. What the sandbox would catch in it is caught before it gets here: ruff bans the calls
(`pyproject.toml`), and the tests run it in the sandbox whole. Code of yours is loaded for every
run, as the SDK means it, unless you name it too."""


@asynccontextmanager
async def control_worker(
    client: Client,
    settings: Settings,
    *,
    queue: str = queues.CONTROL,
    workflows: Sequence[type] = WORKFLOWS,
    activities: Sequence[Callable[..., Any]] = (),
    loaded_once: Sequence[str] = (),
) -> AsyncIterator[Worker]:
    """Built with its clients, which are closed after it.

    Args:
        client: of Temporal.
        settings: where the other systems are.
        queue: the task queue to poll; workflows of your own need one of their own.
        workflows: the workflow classes to run there.
        activities: those of your own, beside the records and the policy.
        loaded_once: modules or packages of workflows of your own that are tested in the SDK's
            sandbox and need not be loaded in it for every run.
    """
    channels = read_channels(settings.channels_file)  # first: wrong ones are refused at the start
    store = Store.open(settings.database)
    policy = PolicyActivities.connect(settings.opa_url, store)
    records = RecordActivities(store)
    owners = OwnerActivities(client, store)
    rollouts = RolloutActivities(store)
    monitoring = MonitoringActivities(store, settings.requests)
    schedules = ScheduleActivities(client, store)
    labels = LabelsWaitingActivities(store)
    alerts = AlertActivities(store, channels, settings.api_url)
    instances = (records, policy, owners, rollouts, monitoring, labels, schedules, alerts)
    try:
        yield Worker(
            client,
            task_queue=queue,
            workflows=workflows,
            workflow_runner=SandboxedWorkflowRunner(
                restrictions=SandboxRestrictions.default.with_passthrough_modules(
                    *_LOADED_ONCE, *loaded_once
                )
            ),
            activities=[
                *(m for each in instances for m in methods(each)),
                *activities,
            ],
            max_concurrent_activities=_WATCHES,
            interceptors=[ErrorTranslation()],
            max_heartbeat_throttle_interval=HEARTBEAT_EVERY,
            deployment_config=deployment(queue, settings.build_id),
            graceful_shutdown_timeout=DRAIN,
        )
    finally:
        await policy.close()
        store.close()
