"""Ray Serve's own JSON: what is declared to it, and what it says of itself.

Ray Serve takes all applications of a cluster at once and ends those that are left out, so whoever
declares one repeats the others. No Ray is needed to read this: its host (`serving.ray_host`) and
the activity that scales it (`activities.ray_serving`) agree here.
"""

from __future__ import annotations

from perennial.contracts.base import Json

APPLICATION = "perennial"
DEPLOYMENT = "Replica"
"""The one deployment of the application: each of its replicas is a process of the data plane."""

_BOUNDS = ("min_replicas", "max_replicas", "target_ongoing_requests")


def declared(details: Json) -> Json | None:
    """Our application as it was declared; None where there is none, or it is being taken away."""
    return _declared(details).get(APPLICATION)


def is_alone(details: Json) -> bool:
    """Whether nobody else has an application there, declared or run from code."""
    return set(details["applications"]) <= {APPLICATION}


def together(details: Json, ours: Json | None) -> Json:
    """What to declare: ours, or nothing of ours, beside what others have declared."""
    others = [each for name, each in _declared(details).items() if name != APPLICATION]
    return {
        "applications": [*others, ours] if ours else others,
        "target_capacity": details.get("target_capacity"),
    }


def bounds(application: Json) -> tuple[int, int, float]:
    """Least and most replicas of a declared application, and requests under way in each."""
    scaling = application["deployments"][0]["autoscaling_config"]
    least, most, target = (scaling[name] for name in _BOUNDS)
    return least, most, target


def bounded(application: Json, least: int, most: int, target: float) -> Json:
    """The same application with these bounds."""
    [deployment] = application["deployments"]
    scaling = {
        **deployment["autoscaling_config"],
        **dict(zip(_BOUNDS, (least, most, target), strict=True)),
    }
    return {**application, "deployments": [{**deployment, "autoscaling_config": scaling}]}


def _declared(details: Json) -> dict[str, Json]:
    return {
        name: config
        for name, each in details["applications"].items()
        if (config := each.get("deployed_app_config")) and each["status"] != "DELETING"
    }
