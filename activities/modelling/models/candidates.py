"""What a project builds; its network checked, written as safetensors, and read back."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load, load_model, save_model
from torch import nn

from activities.modelling.models.preprocessing import Preprocessing
from activities.modelling.projects import Project
from perennial.blobs import BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.errors import ProjectInvalid
from perennial.contracts.spec import Training
from perennial.contracts.training import Kind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_ROWS_AT_ONCE = 8192


def built(project: Project, preprocessing: Preprocessing, training: Training) -> object:
    """What build() gives. It and what is trained after it draw as the seed has it.

    A project may draw from the generators of Python, NumPy and torch: all are set here, in every
    worker alike.

    Raises:
        ProjectInvalid: build() raised.
    """
    random.seed(training.seed)
    np.random.seed(training.seed % 2**32)
    torch.manual_seed(training.seed)
    with project.calling("build"):
        return project.own.build(preprocessing.shape, training.params)


def kind_of(built: object) -> Kind:
    """What build() gave; whatever is neither of these counts as a network, and is checked as one.

    The libraries are looked for among what is loaded: who gives one of theirs has loaded them.
    """
    for kind, module, name in (
        ("boosting", "lightgbm", "LGBMModel"),
        ("estimator", "sklearn.base", "BaseEstimator"),
    ):
        known = sys.modules.get(module)
        if known is not None and isinstance(built, getattr(known, name)):
            return kind  # type: ignore[return-value]
    return "network"


def build(project: Project, preprocessing: Preprocessing, training: Training) -> nn.Module:
    """The network with its first weights, checked.

    Raises:
        ProjectInvalid: build() or a first forward raised, or answered in another shape.
    """
    return checked(built(project, preprocessing, training), project, preprocessing)


def checked(network: object, project: Project, preprocessing: Preprocessing) -> nn.Module:
    """A network that answers in the shape it should.

    Raises:
        ProjectInvalid: it is none, or its first forward raised or answered in another shape.
    """
    shape = preprocessing.shape
    if not isinstance(network, nn.Module):
        raise ProjectInvalid(
            f"{project.name}: build() returned {type(network).__name__}; return a torch.nn.Module, "
            f"a scikit-learn estimator or a LightGBM model"
        )
    was_training = network.training
    network.eval()
    rows = 2
    tried = arguments(
        torch.zeros(rows, shape.numbers), torch.zeros(rows, len(shape.categories), dtype=torch.long)
    )
    with project.calling("build"), torch.no_grad():
        answer = network(*tried)
        found = tuple(answer.shape)
    if found != (rows, shape.outputs):
        raise ProjectInvalid(
            f"{project.name}: the network of build() answers {list(found)} to {rows} rows; it "
            f"should answer [{rows}, {shape.outputs}] (shape.outputs)"
        )
    network.train(was_training)
    return network


def arguments(numbers: torch.Tensor, codes: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What the network's forward takes: the part that has no columns is left out."""
    return tuple(part for part in (numbers, codes) if part.shape[1])


def keep_weights(blobs: BlobStore, network: nn.Module) -> BlobRef:
    """Weights and buffers as safetensors, which hold tensors and nothing that could run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        save_model(network.cpu(), str(path))
        return blobs.put(path)


def read_weights(blobs: BlobStore, ref: BlobRef, network: nn.Module) -> nn.Module:
    """Put kept weights into a network of the same build."""
    load_model(network, str(blobs.get(ref)))
    return network.eval()


def furthest_apart(one: bytes, other: bytes) -> float | None:
    """The largest difference of any weight in two files; None where they are of other shapes."""
    pairs = load(one), load(other)
    if {k: v.shape for k, v in pairs[0].items()} != {k: v.shape for k, v in pairs[1].items()}:
        return None
    return max(
        (
            float((tensor.double() - pairs[1][name].double()).abs().max())
            for name, tensor in pairs[0].items()
            if tensor.numel()
        ),
        default=0.0,
    )


def activated(logits: torch.Tensor, preprocessing: Preprocessing) -> torch.Tensor:
    """What people are told: probabilities `[rows, classes]`, or predictions `[rows, 1]`."""
    if preprocessing.task == "binary":
        likely = torch.sigmoid(logits)
        return torch.cat([1 - likely, likely], dim=1)
    if preprocessing.task == "multiclass":
        return torch.softmax(logits, dim=1)
    return logits * preprocessing.target_scale + preprocessing.target_mean


def scores(
    network: nn.Module, preprocessing: Preprocessing, frame: pd.DataFrame
) -> NDArray[np.float64]:
    """Probabilities `[rows, classes]` or predictions `[rows]` of raw rows, by torch."""
    numbers, codes = (torch.from_numpy(part) for part in preprocessing.apply(frame))
    network.eval()
    with torch.inference_mode():
        parts = [
            activated(network(*arguments(n, c)), preprocessing)
            for n, c in zip(
                torch.split(numbers, _ROWS_AT_ONCE), torch.split(codes, _ROWS_AT_ONCE), strict=True
            )
        ]
    answer: NDArray[np.float64] = torch.cat(parts).double().numpy()
    return answer[:, 0] if preprocessing.task == "regression" else answer
