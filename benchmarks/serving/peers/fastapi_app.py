"""A route as one writes it by hand: `python -m ... PORT FILE`."""

from __future__ import annotations

import sys

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.serving.peers.session import INPUT, session

app = FastAPI()
model = session(sys.argv[2])


class Asked(BaseModel):
    """Rows."""

    instances: list[list[float]]


class Answer(BaseModel):
    """Probabilities of each row."""

    predictions: list[list[float]]


# `async`, so that it runs at once: in FastAPI's threads it is slower
@app.post("/predict")
async def predict(asked: Asked) -> Answer:
    """Probabilities."""
    rows = np.array(asked.instances, dtype=np.float32)
    return Answer(predictions=model.run(None, {INPUT: rows})[0].tolist())


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
