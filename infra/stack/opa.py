"""`python -m infra.stack.opa OPA POLICIES BUNDLES ADDRESS`: build the bundle, then be OPA.

Built at each start, so that restarting this one service takes changed policies in. OPA watches the
file that it serves: `perennial policies apply` puts another one there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from perennial import policy_in_force
from perennial.policy_bundle import build


def main() -> None:
    """Replace this process by OPA, so that the supervisor watches OPA itself."""
    opa, policies, bundles, address = sys.argv[1:]
    kept = Path(bundles)
    bundle = policy_in_force.begin(build(Path(policies), kept, opa), kept)
    print(f"serving {bundle}", flush=True)
    os.execv(
        opa,
        [
            opa,
            "run",
            "--server",
            f"--addr={address}",
            "--bundle",
            str(policy_in_force.watched(kept)),
            "--watch",
            "--log-level=error",
            "--skip-version-check",
            "--shutdown-grace-period=3",
        ],
    )


if __name__ == "__main__":
    main()
