"""The servers that are measured: how each is started, asked and understood."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.orchestration import install
from benchmarks.serving import ours
from benchmarks.serving.model import lists, tensors
from benchmarks.serving.server import ServerFailed
from infra.stack.layout import CHECKOUT
from perennial.quiet import QUIET

_PEERS = Path(__file__).parent / "peers"
MODEL = "model"
"""What a server calls the file, where it gives names."""

OURS, FASTAPI, ASGI = "Perennial", "FastAPI", "bare ASGI"
UNLOGGED = "Perennial (nothing logged)"
"""Ours again, to see what the log of requests costs."""


@dataclass(frozen=True)
class Entrant:
    """A server.

    Attributes:
        name: as the results call it.
        lock: of its environment, in `peers/`; None where it runs in ours.
        command: given the interpreter, a port, the model's file and an empty folder. May make what
            it needs of the file.
        path: that answers.
        asks: what is sent, for rows.
        understood: the probabilities in an answer.
        more: variables added to its environment, given the file and the folder.
        server: whether it is a model server, of which the best one counts.
        rounds: how often it is measured at most; for one that is slow to start, and far away.
    """

    name: str
    lock: str | None
    command: Callable[[Path, int, Path, Path], list[str]]
    path: str
    asks: Callable[[NDArray[np.float32]], dict[str, Any]] = lambda rows: {"instances": lists(rows)}
    understood: Callable[[Any], Any] = lambda answer: answer["predictions"]
    more: Callable[[Path, Path], Mapping[str, str]] = lambda file, folder: {}
    server: bool = True
    rounds: int = 1000

    def python(self) -> Path:
        """Its interpreter, installed first where it is not there."""
        return install.python_peer(self.lock, _PEERS) if self.lock else Path(sys.executable)

    def env(self, file: Path, folder: Path) -> dict[str, str]:
        """What is added to its environment."""
        path = f"{self.python().parent}{os.pathsep}{os.environ['PATH']}"
        return {**QUIET, "BENTOML_DO_NOT_TRACK": "True", "PATH": path, **self.more(file, folder)}


def _module(python: Path, name: str, *arguments: object) -> list[str]:
    return [str(python), "-m", f"benchmarks.serving.{name}", *map(str, arguments)]


def _mlflow(python: Path, port: int, file: Path, folder: Path) -> list[str]:
    saved = folder / "saved"
    done = subprocess.run(
        _module(python, "peers.mlflow_save", file, saved),
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    if done.returncode:
        raise ServerFailed(f"MLflow could not keep the model: {done.stderr[-1500:]}")
    command = [str(python.with_name("mlflow")), "models", "serve", "--model-uri", str(saved)]
    return [*command, "--env-manager", "local", "--workers", "1", "--port", str(port)]


def _bentoml(python: Path, port: int, file: Path, folder: Path) -> list[str]:
    service = "benchmarks.serving.peers.bentoml_service:Onnx"
    command = [str(python.with_name("bentoml")), "serve", service]
    return [*command, "--host", "127.0.0.1", "--port", str(port)]


def _tensor(answer: Any) -> Any:
    [output] = answer["outputs"]
    return np.reshape(output["data"], output["shape"])


def _ray(python: Path, port: int, file: Path, folder: Path) -> list[str]:
    return _module(python, "peers.ray_app", port, file, folder)


ENTRANTS = (
    Entrant(
        OURS,
        None,
        lambda python, port, file, folder: _module(python, "ours", port, folder, MODEL, file),
        f"/v2/models/{MODEL}/infer",
        tensors,
        _tensor,
        server=False,
    ),
    Entrant(
        UNLOGGED,
        None,
        lambda python, port, file, folder: _module(python, "ours", port, folder, MODEL, file),
        f"/v2/models/{MODEL}/infer",
        tensors,
        _tensor,
        more=lambda file, folder: {ours.UNLOGGED: "1"},
        server=False,
    ),
    Entrant(
        ASGI,
        "asgi",
        lambda python, port, file, folder: _module(python, "peers.asgi_app", port, file),
        "/",
        server=False,
    ),
    Entrant(
        FASTAPI,
        "fastapi",
        lambda python, port, file, folder: _module(python, "peers.fastapi_app", port, file),
        "/predict",
        server=False,
    ),
    Entrant(
        "MLServer",
        "mlserver",
        lambda python, port, file, folder: _module(
            python, "peers.mlserver_runtime", port, file, folder
        ),
        "/v2/models/model/infer",
        tensors,
        _tensor,
    ),
    Entrant(
        "MLflow",
        "mlflow",
        _mlflow,
        "/invocations",
        lambda rows: {"inputs": lists(rows)},
        lambda answer: answer["predictions"]["probabilities"],
        # of its uvicorn, which as it comes writes a line for each request
        more=lambda file, folder: {"UVICORN_ACCESS_LOG": "false", "UVICORN_LOG_LEVEL": "warning"},
    ),
    Entrant(
        "BentoML",
        "bentoml",
        _bentoml,
        "/predict",
        understood=lambda answer: answer,
        more=lambda file, folder: {
            "BENCH_MODEL": str(file),
            "BENTOML_HOME": str(folder),
        },
    ),
    Entrant(
        "LitServe",
        "litserve",
        lambda python, port, file, folder: _module(python, "peers.litserve_app", port, file),
        "/predict",
    ),
    Entrant(
        "Ray Serve",
        "rayserve",
        _ray,
        "/predict",
        rounds=1,
    ),
    Entrant(
        "Ray Serve (HAProxy)",
        "rayserve",
        _ray,
        "/predict",
        more=lambda file, folder: {
            "RAY_SERVE_ENABLE_HA_PROXY": "1",
            # it has places in /tmp that all would share
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
            "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "haproxy.sock"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "haproxy.state"),
        },
        rounds=1,
    ),
)
