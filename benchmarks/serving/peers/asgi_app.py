"""The least that answers: no framework, no check, no route. `python -m ... PORT FILE`."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import uvicorn

from benchmarks.serving.peers.session import INPUT, session

model = session(sys.argv[2])


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """One request."""
    if scope["type"] != "http":
        return
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    rows = np.array(json.loads(body)["instances"], dtype=np.float32)
    found = model.run(None, {INPUT: rows})[0].tolist()
    said = json.dumps({"predictions": found}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
