"""An ONNX file in Ray Serve: `python -m ... PORT FILE FOLDER`.

One replica behind Serve's proxy; with RAY_SERVE_ENABLE_HA_PROXY=1 the proxy is HAProxy.
"""

from __future__ import annotations

import signal
import sys
from typing import Any

import numpy as np
import ray
from ray import serve
from ray.serve.schema import LoggingConfig
from starlette.requests import Request

from benchmarks.serving.peers.session import INPUT, session


# more at once than are asked: none waits in the proxy
@serve.deployment(num_replicas=1, max_ongoing_requests=128)
class Onnx:
    """One replica."""

    def __init__(self, file: str) -> None:
        self._session = session(file)

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Probabilities."""
        rows = np.array((await request.json())["instances"], dtype=np.float32)
        return {"predictions": self._session.run(None, {INPUT: rows})[0].tolist()}


def main() -> None:
    """Serve until asked to stop."""
    port, file, folder = sys.argv[1:]
    ray.init(num_cpus=2, include_dashboard=False, _temp_dir=folder, log_to_driver=False)
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(port)},
        logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"),
    )
    serve.run(Onnx.bind(file), route_prefix="/predict")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # and Ray ends what it has started
    signal.pause()


if __name__ == "__main__":
    main()
