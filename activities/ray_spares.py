"""A spare process in Ray: one that has loaded torch already and waits for the next training.

It is one of Ray's own idle workers, made ahead of time. It holds no CPU, serves one training and
ends with it, and goes with its cluster; Ray gives it to whom it would have started a process for.
"""

from __future__ import annotations

import contextlib

import grpc
import ray
from ray._private.grpc_utils import init_grpc_channel
from ray.core.generated import common_pb2, node_manager_pb2
from ray.core.generated.node_manager_pb2_grpc import NodeManagerServiceStub

_ANSWER_SECONDS = 3.0
_KEPT_SECONDS = 24 * 60 * 60
"""Ray ends idle processes beyond one for each CPU, but not sooner than this."""


def keep_one() -> None:
    """Have Ray start a spare process on each node that has none.

    A cluster that does not do it is left alone: its trainings start their own process.
    """
    for node in ray.nodes():
        if node["Alive"] and node["Resources"].get("CPU"):
            with contextlib.suppress(grpc.RpcError):
                _keep_one(f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}")


def _keep_one(address: str) -> None:
    with init_grpc_channel(address) as channel:
        node = NodeManagerServiceStub(channel)
        stats = node.GetNodeStats(node_manager_pb2.GetNodeStatsRequest(), timeout=_ANSWER_SECONDS)
        if any(_is_spare(worker) for worker in stats.core_workers_stats):
            return
        wanted = node_manager_pb2.PrestartWorkersRequest(
            language=common_pb2.PYTHON, num_workers=1, keep_alive_duration_secs=_KEPT_SECONDS
        )
        node.PrestartWorkers(wanted, timeout=_ANSWER_SECONDS)


def _is_spare(worker: common_pb2.CoreWorkerStats) -> bool:
    """Whether it is a worker that has never been given anything."""
    nothing = ray.JobID.nil().binary()
    return bool(worker.worker_type == common_pb2.WORKER and worker.job_id == nothing)
