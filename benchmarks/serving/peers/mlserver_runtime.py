"""An ONNX file in MLServer, which has no runtime for them: `python -m ... PORT FILE FOLDER`.

One process, hence no pool of workers, between which and itself requests would be carried.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.serving.peers.session import INPUT, session


class Onnx(MLModel):
    """A runtime as its guide says to write one."""

    async def load(self) -> bool:
        """Make the session."""
        self._session = session(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Probabilities."""
        rows = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        found = self._session.run(None, {INPUT: rows})[0]
        outputs = [NumpyCodec.encode_output("probabilities", found)]
        return InferenceResponse(model_name=self.name, outputs=outputs)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    """Write its settings, and become `mlserver start`."""
    port, file, folder = sys.argv[1:]
    settings = {
        "host": "127.0.0.1",
        "http_port": int(port),
        "grpc_port": _free(),
        "metrics_port": _free(),
        "parallel_workers": 0,
        "debug": False,
    }
    model = {
        "name": "model",
        "implementation": "benchmarks.serving.peers.mlserver_runtime.Onnx",
        "parameters": {"uri": file},
    }
    place = Path(folder)
    (place / "settings.json").write_text(json.dumps(settings))
    (place / "model-settings.json").write_text(json.dumps(model))
    command = str(Path(sys.executable).with_name("mlserver"))
    os.chdir(place)
    os.execv(command, [command, "start", "."])


if __name__ == "__main__":
    main()
