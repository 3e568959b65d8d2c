"""The far end of `RayCluster` where Ray Serve is asked: reads and sets how far the plane is spread.

Runs in the process that drives Ray (`activities.ray_link`).
"""

from __future__ import annotations

from typing import Any

import ray
from ray.serve._private.constants import SERVE_CONTROLLER_NAME, SERVE_NAMESPACE
from ray.serve.schema import ServeDeploySchema

from activities.ray_link import answering, join
from perennial import serve_details
from perennial.contracts.base import Json
from perennial.contracts.errors import BadInput, NotFound, Refused
from perennial.contracts.scaling import ScaleServing, ServingScale

_AMISS = ("UNHEALTHY", "DEPLOY_FAILED")
_SOON = ("STARTING", "UPDATING", "RECOVERING", "PENDING_MIGRATION")


@answering
def set_bounds(address: str, wanted_json: str) -> str:
    """Have the plane keep within these bounds from now on.

    Returns:
        The JSON of the `ServingScale` just after that.

    Raises:
        NotFound: no data plane is deployed in the cluster.
        BadInput: its nodes can never hold as many as are wanted at least.
        ClusterUnavailable: Ray does not answer.
    """
    join(address)
    wanted = ScaleServing.model_validate_json(wanted_json)
    details = _details(address)
    ours = _ours(address, details)
    cpus = _cpus(ours)
    _require_room(wanted, cpus)
    bounds = wanted.min, wanted.max, wanted.target
    if serve_details.bounds(ours) != bounds:
        ours = serve_details.bounded(ours, *bounds)
        config = ServeDeploySchema(**serve_details.together(details, ours))
        ray.get(_controller(address).apply_config.remote(config))
        details = _details(address)
    return _scale(details, ours).model_dump_json()


@answering
def scale_within(address: str, wanted_json: str) -> str:
    """The JSON of the `ServingScale` of now.

    Raises:
        Refused: the bounds are others than those that are wanted.
        NotFound: no data plane is deployed in the cluster.
        ClusterUnavailable: Ray does not answer.
    """
    join(address)
    wanted = ScaleServing.model_validate_json(wanted_json)
    details = _details(address)
    ours = _ours(address, details)
    least, most, target = serve_details.bounds(ours)
    if (least, most, target) != (wanted.min, wanted.max, wanted.target):
        raise Refused(
            f"somebody else has scaled the data plane meanwhile, to {least} to {most} replicas "
            f"with {target:g} requests each; ask again if yours are to hold"
        )
    return _scale(details, ours).model_dump_json()


def _scale(details: Json, ours: Json) -> ServingScale:
    least, most, target = serve_details.bounds(ours)
    application = details["applications"][serve_details.APPLICATION]
    deployment = application["deployments"].get(serve_details.DEPLOYMENT, {})
    states = [each["state"] for each in deployment.get("replicas", ())]
    cpus = _cpus(ours)
    amiss = deployment.get("status", application["status"]) in _AMISS
    return ServingScale(
        running=states.count("RUNNING"),
        wanted=deployment.get("target_num_replicas", least),
        starting=sum(each in _SOON for each in states),
        leaving=states.count("STOPPING"),
        min=least,
        max=most,
        target=target,
        cpus=cpus,
        room=_room(cpus),
        note=" ".join(deployment.get("message", application["message"]).split()) if amiss else "",
    )


def _require_room(wanted: ScaleServing, cpus: float) -> None:
    if (room := _room(cpus)) < wanted.min:
        raise BadInput(
            f"{wanted.min} replicas with {cpus:g} CPUs each are wanted at least, but the nodes of "
            f"the Ray cluster hold {room} at most; lower min or PERENNIAL_SERVING_RAY_CPUS, or "
            f"add nodes"
        )


def _room(cpus: float) -> int:
    """How many replicas the nodes hold with nothing else on them; none is divided."""
    # Ray counts in ten-thousandths of a CPU
    each = max(round(cpus * 10_000), 1)
    nodes = (node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"])
    return sum(round(free * 10_000) // each for free in nodes)


def _cpus(ours: Json) -> float:
    cpus: float = ours["deployments"][0]["ray_actor_options"]["num_cpus"]
    return cpus


def _ours(address: str, details: Json) -> Json:
    ours = serve_details.declared(details)
    if ours is None:
        raise _nothing(address)
    return ours


def _details(address: str) -> Json:
    details: Json = ray.get(_controller(address).get_serve_instance_details.remote())
    return details


def _controller(address: str) -> Any:
    try:
        return ray.get_actor(SERVE_CONTROLLER_NAME, namespace=SERVE_NAMESPACE)
    except ValueError:
        raise _nothing(address) from None


def _nothing(address: str) -> NotFound:
    return NotFound(
        f"no data plane is deployed in the Ray cluster at {address}; deploy it with "
        f"PERENNIAL_SERVING_HOSTED_BY=ray python -m serving"
    )
