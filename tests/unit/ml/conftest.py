"""Small model projects, written for one test each."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perennial.blobs import BlobStore
from perennial.quiet import quieten

quieten()

_numbers = itertools.count()
_BEGINNING = """
import numpy as np
import pandas as pd
import pandera.pandas as pa
import torch
from torch import nn
from perennial.authoring import Features, ModelProject, Shape, Source


class Base(ModelProject):
    def load(self, source):
        rng = np.random.default_rng(0)
        size = rng.normal(size=400)
        colour = rng.choice(["red", "green", "blue"], size=400)
        sold = (size + (colour == "red") + rng.normal(size=400) * 0.3 > 0.3).astype(int)
        return pd.DataFrame(
            {"id": range(400), "size": size, "colour": colour, "sold": sold}
        )

    def features(self):
        return Features(target="sold", numeric=["size"], categorical=["colour"], key="id")

    def build(self, shape, params):
        return Net(shape)


class Net(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embed = nn.ModuleList(nn.Embedding(n, 3) for n in shape.categories)
        self.out = nn.Linear(shape.numbers + 3 * len(shape.categories), shape.outputs)

    def forward(self, numbers, codes):
        parts = [e(codes[:, i]) for i, e in enumerate(self.embed)]
        return self.out(torch.cat([numbers, *parts], dim=1))
"""

Write = Callable[[str], str]


@pytest.fixture(scope="session")
def write_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Write]:
    """Write a module with `Base` (size and colour tell whether it sold) and the given code.

    Returns its name as a spec has it; the class of the given code must be called `Own`.
    """
    root = tmp_path_factory.mktemp("projects")

    def write(own: str = "class Own(Base): pass") -> str:
        package = f"written_{next(_numbers)}"
        folder = root / package
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "project.py").write_text(_BEGINNING + "\n\n" + textwrap.dedent(own))
        return f"{package}.project:Own"

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        yield write


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(f"file://{tmp_path / 'blobs'}")
