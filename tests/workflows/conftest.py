"""One Temporal dev server, one OPA and one pair of workers for all workflow tests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities import monitoring
from activities.alerts import AlertActivities
from activities.channels import Channel
from activities.labels_waiting import LabelsWaitingActivities
from activities.monitoring import MonitoringActivities
from activities.owners import OwnerActivities
from activities.policy import PolicyActivities
from activities.records import RecordActivities
from activities.retention import RetentionActivities
from activities.rollouts import RolloutActivities
from activities.schedules import ScheduleActivities
from api.db.old import OldStore
from api.db.store import Store
from perennial.blobs import BlobStore
from perennial.contracts import queues
from perennial.contracts.retention import Keep
from perennial.plugin import PerennialPlugin
from perennial.temporal import ensure_search_attributes
from tests.replay.paths import PATHS
from tests.replay.recording import record
from tests.servers import opa_server, program
from tests.workflows.house import House
from tests.workflows.ml_double import PlannedML
from tests.workflows.plane import Plane
from workers.control import WORKFLOWS
from workers.interceptors import ErrorTranslation
from workers.registration import HEARTBEAT_EVERY, methods

TRACED = "traced"
"""A namespace of its own, whose workers trace."""


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=program("temporal"),
        plugins=[PerennialPlugin()],
        dev_server_extra_args=[
            "--dynamic-config-value",
            "history.transferProcessorMaxPollRPS=2000",
            "--dynamic-config-value",
            "system.enableActivityEagerExecution=true",
            "--namespace",
            TRACED,
        ],
    ) as environment:
        await ensure_search_attributes(environment.client)
        yield environment.client


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('records') / 'records.db'}")
    yield store
    store.close()


@pytest.fixture(scope="session")
def opa_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with opa_server(Path("policies"), tmp_path_factory.mktemp("opa")) as url:
        yield url


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of requests."""
    return tmp_path_factory.mktemp("requests")


@pytest.fixture(scope="session")
def channels() -> dict[str, Channel]:
    """Where alerts go; a test adds its own."""
    return {}


@pytest.fixture(scope="session")
async def ml(
    temporal: Client, store: Store, opa_url: str, channels: dict[str, Channel], log: Path
) -> AsyncIterator[PlannedML]:
    planned = PlannedML()
    kept = RetentionActivities(
        BlobStore(f"file://{log}/blobs"), f"file://{log}", OldStore(store.database), Keep()
    )
    policy = PolicyActivities.connect(opa_url, store)
    control = Worker(
        temporal,
        task_queue=queues.CONTROL,
        workflows=WORKFLOWS,
        activities=[
            *methods(RecordActivities(store)),
            *methods(policy),
            *methods(OwnerActivities(temporal, store)),
            *methods(RolloutActivities(store)),
            *methods(MonitoringActivities(store, f"file://{log}")),
            *methods(LabelsWaitingActivities(store)),
            *methods(ScheduleActivities(temporal, store)),
            *methods(AlertActivities(store, channels, "http://api")),
        ],
        interceptors=[ErrorTranslation()],
    )
    work = Worker(
        temporal,
        task_queue=queues.ML,
        activities=[*methods(planned), *methods(kept)],
        interceptors=[ErrorTranslation()],
        max_heartbeat_throttle_interval=HEARTBEAT_EVERY,
    )
    with pytest.MonkeyPatch.context() as patch:
        # tests write the log themselves: no process of a data plane has rows in its memory yet
        patch.setattr(monitoring, "WRITTEN_SECONDS", 0.2)
        async with control, work:
            yield planned
    await policy.close()


@pytest.fixture
async def house(
    request: pytest.FixtureRequest, temporal: Client, store: Store, ml: PlannedML
) -> AsyncIterator[House]:
    house = House(temporal, store, ml)
    yield house
    path = PATHS.get(request.node.originalname)
    if path and os.environ.get("PERENNIAL_RECORD_HISTORIES"):  # `make histories`
        await record(temporal, house.model, path)


@pytest.fixture
async def plane(house: House) -> AsyncIterator[Plane]:
    """A data plane that answers for the model of the house."""
    async with Plane(house.store, house.model).up() as plane:
        yield plane
