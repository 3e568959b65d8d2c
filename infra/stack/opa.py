"""`python -m infra.stack.opa OPA POLICIES BUNDLES ADDRESS`: build the bundle, then be OPA.

Built at each start, so that restarting this one service takes changed policies in.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from perennial.policy_bundle import build


def main() -> None:
    """Replace this process by OPA, so that the supervisor watches OPA itself."""
    opa, policies, bundles, address = sys.argv[1:]
    bundle = build(Path(policies), Path(bundles), opa)
    print(f"serving {bundle}", flush=True)
    os.execv(
        opa,
        [
            opa,
            "run",
            "--server",
            f"--addr={address}",
            "--bundle",
            str(bundle),
            "--log-level=error",
            "--skip-version-check",
            "--shutdown-grace-period=3",
        ],
    )


if __name__ == "__main__":
    main()
