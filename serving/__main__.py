"""`python -m serving`: answer requests, in a process for each core or in a Ray cluster."""

from __future__ import annotations

import logging
import os
import sys

import uvicorn

from perennial.contracts.errors import PerennialError
from perennial.quiet import quieten
from serving.at_once import AtOnce
from serving.limits import Limits


def main() -> None:
    """Serve until asked to stop; requests that are under way are answered first.

    In a Ray cluster the data plane outlives this process: `python -m serving remove` ends it.
    """
    quieten()
    limits = Limits()
    if sys.argv[1:] not in ([], ["remove"]):
        sys.exit("usage: python -m serving [remove]")
    if limits.hosted_by == "ray":
        _in_ray(limits)
    elif sys.argv[1:]:
        sys.exit("only what PERENNIAL_SERVING_HOSTED_BY=ray has deployed can be removed")
    else:
        _here(limits)


def _here(limits: Limits) -> None:
    uvicorn.run(
        "serving.host:create",
        factory=True,
        host=limits.host,
        port=limits.port,
        workers=limits.processes,
        loop="uvloop",
        http=AtOnce,
        ws="none",
        # none of what it would find out is asked for, and it stands between the two
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=int(limits.seconds) + 1,
    )


def _in_ray(limits: Limits) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # Ray takes seconds to load: not where it is not needed
    from serving import ray_host

    status = 0
    try:
        ray_host.remove() if sys.argv[1:] else ray_host.hold(limits)
    except PerennialError as error:
        logging.error("%s", error.message)
        status = 1
    except Exception:
        logging.exception("the host in Ray Serve failed")
        status = 1
    # Ray's own way out waits for a cluster that may be gone
    logging.shutdown()
    os._exit(status)


if __name__ == "__main__":
    main()
