"""The work itself, as one would write it in a script: rows to a registered ONNX file.

The same rows, held-out rows, network, seed and epochs as `examples/digits`. Nothing of ours is
imported: it is also loaded in the peers' environments.
"""

from __future__ import annotations

from typing import Any

import mlflow
import mlflow.onnx
import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import torch
from mlflow.models import infer_signature
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, f1_score, log_loss
from torch import nn
from torch.nn import functional

_SEED, _HIDDEN, _BATCH, _RATE = 0, 64, 64, 0.003
_HELD_OUT = 0.2
_BATCHES = (1, 7, 256)
_TOLERANCE = 1e-5
_ENOUGH = 0.9


class Rows:
    """Pictures as float32 `[rows, 64]`, and which digit is on them.

    No dataclass: ZenML would write one field by field, and knows no array.
    """

    def __init__(self, train: Any, train_digits: Any, test: Any, test_digits: Any) -> None:
        self.train, self.train_digits = train, train_digits
        self.test, self.test_digits = test, test_digits


class Trained:
    """A network that answers raw pixels with logits, and its loss by epoch."""

    def __init__(self, network: nn.Module, losses: list[float]) -> None:
        self.network = network
        self.losses = losses


class Network(nn.Module):
    """The pixels' mean and scale travel with it."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.layers = nn.Sequential(nn.Linear(64, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 10))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits."""
        answer: torch.Tensor = self.layers((pixels - self.mean) / self.scale)
        return answer


def load() -> Rows:
    """The pictures; which are held out follows from their numbers."""
    digits = load_digits()
    keys = np.array([str(number) for number in range(len(digits.data))], dtype=object)
    hashes = pd.util.hash_array(keys, hash_key=f"{_SEED:016d}", categorize=False)
    test = hashes.astype(np.float64) / 2.0**64 < _HELD_OUT
    pixels = digits.data.astype(np.float32)
    return Rows(pixels[~test], digits.target[~test], pixels[test], digits.target[test])


def train(rows: Rows, epochs: int) -> Trained:
    """Adam over shuffled mini-batches."""
    torch.manual_seed(_SEED)
    pixels, digits = torch.from_numpy(rows.train), torch.from_numpy(rows.train_digits)
    scale = pixels.std(dim=0, correction=0)
    network = Network(pixels.mean(dim=0), torch.where(scale > 0, scale, 1.0))
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE)
    order = torch.Generator().manual_seed(_SEED)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for batch in torch.split(torch.randperm(len(pixels), generator=order), _BATCH):
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(pixels[batch]), digits[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += float(loss.detach()) * len(batch)
        losses.append(total / len(pixels))
    return Trained(network.eval(), losses)


def evaluate(rows: Rows, trained: Trained) -> dict[str, float]:
    """Metrics on the held-out pictures.

    Raises:
        RuntimeError: the network has not learnt.
    """
    with torch.inference_mode():
        likely = torch.softmax(trained.network(torch.from_numpy(rows.test)), dim=1).numpy()
    said = likely.argmax(axis=1)
    found = {
        "accuracy": float(accuracy_score(rows.test_digits, said)),
        "macro_f1": float(f1_score(rows.test_digits, said, average="macro")),
        "log_loss": float(log_loss(rows.test_digits, likely, labels=range(10))),
    }
    if found["accuracy"] < _ENOUGH:
        raise RuntimeError(f"the network has not learnt: {found}")
    return found


def export(rows: Rows, trained: Trained) -> bytes:
    """The network as ONNX, compared with torch in three sizes of batch.

    Raises:
        RuntimeError: the two differ.
    """
    program = torch.onnx.export(
        trained.network,
        (torch.zeros(2, 64),),
        input_names=["pixels"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    assert program is not None
    made = program.model_proto
    onnx.checker.check_model(made, full_check=True)
    file: bytes = made.SerializeToString()
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    for size in _BATCHES:
        pixels = rows.test[:size]
        with torch.inference_mode():
            expected = trained.network(torch.from_numpy(pixels)).numpy()
        if np.abs(session.run(None, {"pixels": pixels})[0] - expected).max() > _TOLERANCE:
            raise RuntimeError("the ONNX file answers otherwise than torch")
    return file


def register(
    model: str, rows: Rows, trained: Trained, metrics: dict[str, float], file: bytes
) -> str:
    """A run, the file, a version and the alias `champion` in MLflow."""
    mlflow.set_experiment(model)
    signature = infer_signature(rows.test[:2], np.zeros((2, 10), np.float32))
    with mlflow.start_run():
        mlflow.log_params({"epochs": len(trained.losses), "hidden": _HIDDEN, "batch": _BATCH})
        for epoch, loss in enumerate(trained.losses, 1):
            mlflow.log_metric("loss", loss, step=epoch)
        mlflow.log_metrics(metrics)
        made = mlflow.onnx.log_model(
            onnx.load_from_string(file),
            name="model",
            registered_model_name=model,
            signature=signature,
            save_as_external_data=False,
            # asked for: found out by MLflow they would take seconds and a process
            pip_requirements=[f"onnx=={onnx.__version__}", f"onnxruntime=={ort.__version__}"],
        )
    version = str(made.registered_model_version)
    mlflow.MlflowClient().set_registered_model_alias(model, "champion", version)
    return version


def script(model: str, epochs: int) -> str:
    """All of it, one after the other."""
    rows = load()
    trained = train(rows, epochs)
    metrics = evaluate(rows, trained)
    return register(model, rows, trained, metrics, export(rows, trained))
