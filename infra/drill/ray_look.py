"""`python -m infra.drill.ray_look ADDRESS`: what of the cluster is not free, as JSON.

A process of its own, since one that has joined a cluster is ended by Ray when that restarts. It
reads the control store and joins nothing.
"""

from __future__ import annotations

import json
import sys
import time

from ray._private.state import GlobalState
from ray._raylet import GcsClientOptions  # type: ignore[attr-defined]  # compiled

_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS = 0.2


def main() -> None:
    """Look until all is free, or patience has ended."""
    state = GlobalState()
    state._initialize_global_state(
        GcsClientOptions.create(
            sys.argv[1], None, allow_cluster_id_nil=True, fetch_cluster_id_if_nil=True
        )
    )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (taken := _taken(state)) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    print(json.dumps(taken))


def _taken(state: GlobalState) -> list[str]:
    free, total = state.available_resources(), state.cluster_resources()
    found = []
    if free.get("CPU", 0) != total.get("CPU", 0):
        found.append(f"{free.get('CPU', 0):g} of {total.get('CPU', 0):g} CPUs of Ray are free")
    groups = state.placement_group_table(None)
    if any(group["state"] != "REMOVED" for group in groups.values()):
        found.append("a placement group is left in Ray")
    actors = state.actor_table(None, actor_state_name="ALIVE").values()
    left = sorted(actor["Name"] for actor in actors if actor["Name"].startswith("train:"))
    return found + [f"actor {name} is left in Ray" for name in left]


if __name__ == "__main__":
    main()
