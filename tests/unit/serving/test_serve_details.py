"""What is declared to Ray Serve: ours beside others', with the bounds that are in force."""

from __future__ import annotations

from typing import Any

from perennial import serve_details


def application(name: str, **scaling: Any) -> dict[str, Any]:
    bounds = {"min_replicas": 1, "max_replicas": 4, "target_ongoing_requests": 16.0, **scaling}
    return {
        "name": name,
        "import_path": f"{name}.somewhere:application",
        "deployments": [
            {
                "name": serve_details.DEPLOYMENT,
                "max_ongoing_requests": 64,
                "autoscaling_config": {**bounds, "upscale_delay_s": 5.0},
            }
        ],
    }


def details(status: str = "RUNNING") -> dict[str, Any]:
    """Ours, one that somebody else has declared, one run from code, and one that is going away."""
    ours = application(serve_details.APPLICATION)
    return {
        "target_capacity": 50.0,
        "applications": {
            serve_details.APPLICATION: {"status": status, "deployed_app_config": ours},
            "theirs": {"status": "RUNNING", "deployed_app_config": application("theirs")},
            "from-code": {"status": "RUNNING"},
            "gone": {"status": "DELETING", "deployed_app_config": application("gone")},
        },
    }


def test_what_others_have_declared_is_repeated_and_nothing_else() -> None:
    ours = application(serve_details.APPLICATION, min_replicas=2)
    assert serve_details.together(details(), ours) == {
        "applications": [application("theirs"), ours],
        "target_capacity": 50.0,
    }
    assert serve_details.together(details(), None)["applications"] == [application("theirs")]


def test_ours_is_found_unless_it_is_going_away() -> None:
    assert serve_details.declared(details()) == application(serve_details.APPLICATION)
    assert serve_details.declared(details("DELETING")) is None
    assert serve_details.declared({"applications": {}}) is None


def test_bounds_change_nothing_else() -> None:
    ours = application(serve_details.APPLICATION)
    assert serve_details.bounds(ours) == (1, 4, 16.0)
    scaled = serve_details.bounded(ours, 3, 9, 2.5)
    assert serve_details.bounds(scaled) == (3, 9, 2.5)
    assert scaled == application(
        serve_details.APPLICATION, min_replicas=3, max_replicas=9, target_ongoing_requests=2.5
    )
    assert serve_details.bounds(ours) == (1, 4, 16.0)


def test_others_are_there_however_they_came() -> None:
    there = details()
    for name in ("theirs", "from-code", "gone"):
        assert not serve_details.is_alone(there)
        del there["applications"][name]
    assert serve_details.is_alone(there) and serve_details.is_alone({"applications": {}})
