"""The data plane in Ray Serve: declares it to the cluster, and stays to see that it is there.

The cluster answers, whether this process lives or not. Where the cluster has begun anew, or
somebody has taken the application away, this process ends, and whoever supervises it starts the
next one, which declares it again.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import threading
import time
from typing import Any

import ray
from ray import serve
from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled
from ray.exceptions import RayError
from ray.serve._private.constants import SERVE_CONTROLLER_NAME, SERVE_NAMESPACE
from ray.serve.schema import LoggingConfig, ServeDeploySchema

from perennial import discovery, serve_details
from perennial.contracts.base import Json
from perennial.contracts.errors import ClusterUnavailable
from perennial.quiet import QUIET
from perennial.settings import settings
from serving.limits import Limits
from serving.ray_limits import RayLimits

_LOOK_SECONDS = 5.0
_ANSWER_SECONDS = 60
_CONNECT_SECONDS = 3.0
_AGAIN_SECONDS = 1.0
_UPSCALE_SECONDS = 5.0
_DOWNSCALE_SECONDS = 60.0
_LOOK_BACK_SECONDS = 15.0
_DRAIN_SECONDS = 45.0
"""Longer than Ray Serve keeps a replica for HAProxy to forget it (30 s)."""
_LOGS: Json = {"enable_access_log": False, "log_level": "WARNING"}
_PATIENT = {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60"}
_OF_THE_HOST = "PERENNIAL_SERVING_RAY_"
_FAILED = ("DEPLOY_FAILED", "UNHEALTHY")
_log = logging.getLogger(__name__)


def hold(limits: Limits) -> None:
    """Declare the data plane, and return when asked to stop; the cluster goes on answering.

    Raises:
        ClusterUnavailable: it is there no more, or cannot be deployed as it is.
    """
    address = settings().ray_address
    while not _listens(address):
        _log.info("waiting for Ray at %s", address)
        time.sleep(_AGAIN_SECONDS)
    joined = _join(address)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())  # Ray has set its own, which ends otherwise
    _declare(limits)
    told = ""
    while True:
        said = _said(_details())
        if said != told:
            told = said
            _log.info("%s", said)
        if stop.wait(_LOOK_SECONDS):
            return
        _require_same(address, joined)


def remove() -> None:
    """Take the data plane out of the cluster; its replicas answer what they have.

    Raises:
        ClusterUnavailable: Ray does not answer.
    """
    address = settings().ray_address
    if not _listens(address):
        raise ClusterUnavailable(f"Ray does not answer at {address}; set RAY_ADDRESS")
    _join(address)
    if _controller() is None:
        return
    details = _details()
    if serve_details.is_alone(details):
        serve.shutdown()  # the proxies too, so that the port is free
        return
    rest = serve_details.together(details, None)
    ray.get(_controller().apply_config.remote(ServeDeploySchema(**rest)))
    while serve_details.APPLICATION in _details()["applications"]:
        time.sleep(_AGAIN_SECONDS)


def application(limits: Limits, scale: RayLimits) -> Json:
    """What is declared to Ray Serve, but for what others declare."""
    deployment = {
        "name": serve_details.DEPLOYMENT,
        "max_ongoing_requests": scale.ongoing,
        "max_queued_requests": scale.queued,
        "backpressure_config": {"status_code": 429, "retry_after_s": 1},
        "autoscaling_config": {
            "min_replicas": scale.min,
            "max_replicas": scale.max,
            "target_ongoing_requests": scale.target,
            "upscale_delay_s": _UPSCALE_SECONDS,
            "downscale_delay_s": _DOWNSCALE_SECONDS,
            "look_back_period_s": _LOOK_BACK_SECONDS,
        },
        # where replicas are exchanged, the new one answers before the old one goes
        "max_surge_percent": 100,
        "graceful_shutdown_timeout_s": _DRAIN_SECONDS + limits.seconds,
        "ray_actor_options": {"num_cpus": scale.cpus},
    }
    return {
        "name": serve_details.APPLICATION,
        "route_prefix": "/",
        "import_path": "serving.ray_replica:application",
        "runtime_env": {"env_vars": _of_replicas()},
        "logging_config": _LOGS,
        "deployments": [deployment],
    }


def _declare(limits: Limits) -> None:
    """Start Ray Serve where it is not there, and declare the application if it is another one."""
    serve.start(
        http_options={
            "host": limits.host,
            "port": limits.port,
            # the app gives up before that, with an answer of its own
            "request_timeout_s": limits.seconds + 1,
        },
        logging_config=LoggingConfig(**_LOGS),
        controller_options={"runtime_env": {"env_vars": _of_serve()}},
    )
    details = _details()
    at = details["http_options"]
    if (at["host"], at["port"]) != (limits.host, limits.port):
        _log.warning(
            "Ray Serve runs there already, at %s:%s, and cannot be moved", at["host"], at["port"]
        )
    ours, there = application(limits, RayLimits()), serve_details.declared(details)
    if there is not None:
        ours = serve_details.bounded(ours, *serve_details.bounds(there))
    if ours != there:
        config = ServeDeploySchema(**serve_details.together(details, ours))
        ray.get(_controller().apply_config.remote(config))


def _said(details: Json) -> str:
    """One line of how it is. Raises ClusterUnavailable where it is not to be had."""
    found = details["applications"].get(serve_details.APPLICATION)
    if found is None:
        raise ClusterUnavailable("somebody has taken the application away; it is declared again")
    if found["status"] == "DEPLOY_FAILED":
        raise ClusterUnavailable(f"Ray Serve could not deploy it: {found['message']}")
    replicas = found["deployments"].get(serve_details.DEPLOYMENT, {}).get("replicas", ())
    running = sum(each["state"] == "RUNNING" for each in replicas)
    amiss = f": {found['message']}" if found["status"] in _FAILED else ""
    return f"{found['status'].lower()}, {running} of {len(replicas)} replicas answer{amiss}"


def _join(address: str) -> Any:
    """Connect to the cluster; its id."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    ray.init(
        address=address,
        namespace=SERVE_NAMESPACE,
        log_to_driver=False,
        configure_logging=False,
        logging_level="ERROR",
    )
    return GcsClient(address=address).cluster_id


def _require_same(address: str, joined: Any) -> None:
    """Ray's core ends or hangs a process whose cluster has restarted: end before it is asked."""
    if not _listens(address) or GcsClient(address=address).cluster_id != joined:
        raise ClusterUnavailable(f"the cluster at {address} is gone, or is another one by now")


def _details() -> Json:
    """What Ray Serve says of itself. Raises ClusterUnavailable where it says nothing."""
    # a call into Ray's core may block for good, and no signal reaches Python then
    faulthandler.dump_traceback_later(_ANSWER_SECONDS, exit=True)
    try:
        if (controller := _controller()) is None:
            raise ClusterUnavailable("somebody has ended Ray Serve; it is started again")
        details: Json = ray.get(controller.get_serve_instance_details.remote())
        return details
    except RayError as error:
        raise ClusterUnavailable(f"Ray Serve does not answer: {error}") from error
    finally:
        faulthandler.cancel_dump_traceback_later()


def _controller() -> Any:
    """Ray Serve's own actor; None where Ray Serve is not there."""
    try:
        return ray.get_actor(SERVE_CONTROLLER_NAME, namespace=SERVE_NAMESPACE)
    except ValueError:
        return None


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def _of_replicas() -> dict[str, str]:
    """The settings of this process, for those that answer; they are to hold on every node."""
    found, here = discovery.find(), settings()
    named = {
        "PERENNIAL_API_URL": found.url,
        "PERENNIAL_BLOB_URL": here.blobs,
        "PERENNIAL_REQUEST_LOG_URL": here.requests,
        "PERENNIAL_TOKENS_FILE": str(found.tokens_file.resolve()) if found.tokens_file else "",
        # another build is other code, so that replicas are exchanged
        "PERENNIAL_BUILD_ID": here.build_id,
    }
    limits = _starting_with("PERENNIAL_SERVING_")
    return {
        **{name: value for name, value in named.items() if value},
        **{name: value for name, value in limits.items() if not name.startswith(_OF_THE_HOST)},
        **_starting_with("OTEL_"),
        **_of_serve(),
    }


def _of_serve() -> dict[str, str]:
    """What Ray Serve reads where its processes start: HAProxy or not, and the like.

    There is something in any case, so that none of them takes the process that waits for a training
    (ADR 7). On a busy machine a proxy needs longer than the five seconds after which Ray Serve
    would begin anew with it.
    """
    return {**QUIET, **_PATIENT, **_starting_with("RAY_SERVE_")}


def _starting_with(prefix: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(prefix)}
