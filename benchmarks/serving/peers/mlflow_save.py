"""An ONNX file as a model of MLflow: `python -m ... FILE FOLDER`, for `mlflow models serve`."""

from __future__ import annotations

import sys

import mlflow.onnx
import numpy as np
import onnx
from mlflow.models import ModelSignature
from mlflow.types.schema import Schema, TensorSpec

from benchmarks.serving.peers.session import CONFIG, INPUT, THREADS


def main() -> None:
    """Save it, with the shape of its rows."""
    file, folder = sys.argv[1:]
    model = onnx.load(file)
    columns = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    inputs = Schema([TensorSpec(np.dtype(np.float32), (-1, columns), INPUT)])
    mlflow.onnx.save_model(
        model,
        folder,
        signature=ModelSignature(inputs),
        pip_requirements=[],  # else it runs pip to find them
        onnx_session_options={**THREADS, "extra_session_config": CONFIG},
        save_as_external_data=False,
    )


if __name__ == "__main__":
    main()
