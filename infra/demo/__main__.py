"""`python -m infra.demo`: play the demo on the stack that runs. `make demo` sets it up first."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from infra.demo.closing import read_stack, where_it_broke, where_to_look
from infra.demo.stage import CHECKOUT, SceneFailed, Stage
from infra.demo.story import tell
from perennial import discovery
from perennial.client import ApiError, Client, ServiceAway


def main() -> int:
    """Play it. Returns 0 when everything went as it is told, else 1."""
    os.chdir(CHECKOUT)  # paths in the commands are those of a person who sits here
    stage = Stage()
    found = discovery.find()
    stack = read_stack(found.state_dir)
    pictures = found.state_dir or Path()
    if pictures.is_relative_to(CHECKOUT):
        pictures = pictures.relative_to(CHECKOUT)
    try:
        with Client(found.url, found.token()) as client:
            tell(stage, client, _serving(stack), pictures)
    except (SceneFailed, ApiError, ServiceAway, discovery.DiscoveryError) as error:
        where_it_broke(stage, str(error), stack)
        return 1
    except KeyboardInterrupt:
        where_it_broke(stage, "it was interrupted", stack)
        return 130
    stage.close()
    where_to_look(stage, stack, pictures)
    return 0


def _serving(stack: dict[str, Any]) -> str:
    """Where the stack answers; where this process is told to ask, if it is another one's."""
    told = stack.get("addresses", {}).get("serving") or os.environ.get("PERENNIAL_SERVING_URL")
    return str(told or "http://127.0.0.1:8080")


if __name__ == "__main__":
    sys.exit(main())
