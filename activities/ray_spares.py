"""A spare process in Ray: one that has loaded torch already and waits for the next training.

It is one of Ray's own idle workers, made ahead of time. It holds no CPU, serves one training and
ends with it, and goes with its cluster; Ray gives it to whom it would have started a process for.
"""

from __future__ import annotations

import contextlib
import threading
import time

import grpc
import ray
from ray._private.grpc_utils import init_grpc_channel
from ray.core.generated import common_pb2, node_manager_pb2
from ray.core.generated.node_manager_pb2_grpc import NodeManagerServiceStub

_ANSWER_SECONDS = 3.0
_START_SECONDS = 60.0
"""The longest that a process is waited for, as Ray does; it registers within a second or two."""
_LOOK_SECONDS = 0.2
_KEPT_SECONDS = 24 * 60 * 60
"""Ray ends idle processes beyond one for each CPU, but not sooner than this."""

_asking = threading.Lock()


def keep_one() -> None:
    """Have Ray start a spare process on each node that has none, and wait until it is there.

    Ray does not tell of a process that it has begun to start: whoever asks meanwhile waits for it,
    or trainings that end together would leave a process each.

    A cluster that does not do it is left alone: its trainings start their own process.
    """
    with _asking:
        asked = {}
        for address in _nodes():
            with contextlib.suppress(grpc.RpcError):
                workers = _workers(address)
                if not any(map(_is_spare, workers)) and _ask_for_one(address):
                    asked[address] = {worker.pid for worker in workers}
        deadline = time.monotonic() + _START_SECONDS
        while asked and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            # one that has been given away at once is no spare any more, and has come all the same
            asked = {
                address: asked[address]
                for address in asked.keys() & _nodes()
                if not _came(address, asked[address])
            }


def _nodes() -> set[str]:
    return {
        f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}"
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("CPU")
    }


def _workers(address: str) -> list[common_pb2.CoreWorkerStats]:
    asked = node_manager_pb2.GetNodeStatsRequest()
    with init_grpc_channel(address) as channel:
        stats = NodeManagerServiceStub(channel).GetNodeStats(asked, timeout=_ANSWER_SECONDS)
    # one that has just ended stands there without a number
    return [worker for worker in stats.core_workers_stats if worker.pid]


def _ask_for_one(address: str) -> bool:
    """Whether one is to come."""
    wanted = node_manager_pb2.PrestartWorkersRequest(
        language=common_pb2.PYTHON, num_workers=1, keep_alive_duration_secs=_KEPT_SECONDS
    )
    with init_grpc_channel(address) as channel:
        try:
            NodeManagerServiceStub(channel).PrestartWorkers(wanted, timeout=_ANSWER_SECONDS)
        except grpc.RpcError as error:
            # who answers too late has heard it
            return bool(error.code() == grpc.StatusCode.DEADLINE_EXCEEDED)
    return True


def _came(address: str, before: set[int]) -> bool:
    """Whether a node has a worker that it did not have before; not yet, where it is too busy."""
    with contextlib.suppress(grpc.RpcError):
        return bool({worker.pid for worker in _workers(address)} - before)
    return False


def _is_spare(worker: common_pb2.CoreWorkerStats) -> bool:
    """Whether it is a worker that has never been given anything."""
    nothing = ray.JobID.nil().binary()
    return bool(worker.worker_type == common_pb2.WORKER and worker.job_id == nothing)
