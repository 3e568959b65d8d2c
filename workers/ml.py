"""The ML worker: everything that loads torch, pandas, whylogs or MLflow, or drives Ray."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.worker import Worker

from activities.advisories import Advisories
from activities.arrivals import ArrivalActivities
from activities.data import DataActivities
from activities.evaluation import EvaluationActivities
from activities.export import ExportActivities
from activities.label_tables import LabelTableActivities
from activities.labelled import LabelledActivities
from activities.labels import LabelActivities
from activities.mlflow_runs import MlflowRuns
from activities.mlflow_server import MlflowServer
from activities.modelling.data.snapshots import Frames
from activities.ray_cluster import RayCluster
from activities.registry import RegistryActivities
from activities.reproduction import ReproductionActivities
from activities.requests import RequestActivities
from activities.retention import RetentionActivities
from activities.scaling import ScalingActivities
from activities.searching import SearchActivities
from activities.training import TrainingActivities
from activities.windows import WindowActivities
from activities.work import warm_up
from api.db.old import OldStore
from api.db.store import Store
from perennial.blobs import BlobStore
from perennial.contracts import queues
from perennial.contracts.retention import Keep
from perennial.settings import Settings
from workers.interceptors import ErrorTranslation
from workers.registration import HEARTBEAT_EVERY, methods
from workers.stopping import DRAIN

ACTIVITIES = (
    DataActivities,
    ArrivalActivities,
    TrainingActivities,
    EvaluationActivities,
    ExportActivities,
    RegistryActivities,
    RequestActivities,
    LabelActivities,
    LabelledActivities,
    LabelTableActivities,
    ScalingActivities,
    WindowActivities,
    RetentionActivities,
    ReproductionActivities,
    SearchActivities,
)


@asynccontextmanager
async def ml_worker(client: Client, settings: Settings) -> AsyncIterator[Worker]:
    """Built with its clients, which are closed after it."""
    store = Store.open(settings.database)
    blobs = BlobStore(settings.blobs)
    frames = Frames(blobs)
    cluster = RayCluster(settings.ray_address)
    mlflow = MlflowServer(settings.mlflow_tracking_uri)
    runs = MlflowRuns(mlflow)
    instances = (
        DataActivities(blobs, frames, store),
        ArrivalActivities(store),
        TrainingActivities(blobs, cluster, runs, store),
        EvaluationActivities(blobs, frames, Advisories(settings.advisories_url)),
        ExportActivities(blobs, frames),
        RegistryActivities(mlflow, runs, blobs, store, settings.api_url),
        RequestActivities(blobs, settings.requests),
        LabelActivities(settings.requests, store),
        LabelledActivities(settings.requests, store),
        LabelTableActivities(store),
        ScalingActivities(cluster),
        WindowActivities(blobs, settings.requests),
        RetentionActivities(blobs, settings.requests, OldStore(store.database), _keep(settings)),
        ReproductionActivities(blobs),
        SearchActivities(blobs, cluster, runs, store),
    )
    # the libraries take seconds to load; do it now rather than in the first run
    loop = asyncio.get_running_loop()

    def warm() -> None:
        warm_up()
        asyncio.run_coroutine_threadsafe(cluster.prepare(), loop)

    threading.Thread(target=warm, name="warm-up", daemon=True).start()
    try:
        yield Worker(
            client,
            task_queue=queues.ML,
            activities=[method for instance in instances for method in methods(instance)],
            interceptors=[ErrorTranslation()],
            # followers of Ray jobs wait rather than work, the others take a core each
            max_concurrent_activities=4 * (os.cpu_count() or 1),
            max_heartbeat_throttle_interval=HEARTBEAT_EVERY,
            graceful_shutdown_timeout=DRAIN,
        )
    finally:
        cluster.close()
        store.close()


def _keep(settings: Settings) -> Keep:
    return Keep(
        profiles=settings.keep_profiles,
        labels=settings.keep_labels,
        deliveries=settings.keep_deliveries,
    )
