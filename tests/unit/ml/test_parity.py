"""The exported file answers as torch does, whatever the row holds."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.modelling.export.graphs import Graph
from activities.modelling.export.parity import BATCHES, compare
from activities.modelling.models.candidates import scores
from perennial.contracts.errors import ExportFailed
from tests.unit.ml.conftest import Write
from tests.unit.ml.making import Fitted, export, fit

MIXED = """
class Own(Base):
    def load(self, source):
        frame = super().load(source)
        rng = np.random.default_rng(1)
        frame["weight"] = np.where(rng.random(400) < 0.2, np.nan, rng.normal(50, 9, 400))
        frame["shelf"] = rng.integers(1, 5, 400)
        for i in range(3):
            frame[f"p{i}"] = rng.integers(0, 255, 400)
        frame["grade"] = np.digitize(frame["size"], [-0.5, 0.5])
        frame["price"] = 1000 * frame["size"] + frame["weight"].fillna(50)
        return frame

    target = "sold"

    def features(self):
        return Features(
            target=self.target,
            numeric=["size", "weight"],
            categorical=["colour", "shelf"],
            vectors={"pixels": ["p0", "p1", "p2"]},
        )
"""
NUMBERS_ONLY = """
class Own(Base):
    def features(self):
        return Features(target="sold", numeric=["size"])

    def build(self, shape, params):
        return nn.Linear(shape.numbers, shape.outputs)
"""
CATEGORIES_ONLY = """
class Own(Base):
    def features(self):
        return Features(target="sold", categorical=["colour"])

    def build(self, shape, params):
        return OneHot(shape)


class OneHot(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.table = nn.Embedding(shape.categories[0], shape.outputs)

    def forward(self, codes):
        return self.table(codes[:, 0])
"""

Made = tuple[Fitted, Graph]


@pytest.mark.parametrize(
    ("own", "task", "outputs"),
    [
        (MIXED, "binary", 2),
        (MIXED.replace('"sold"', '"grade"'), "multiclass", 3),
        (MIXED.replace('"sold"', '"price"'), "regression", 1),
        (NUMBERS_ONLY, "binary", 2),
        (CATEGORIES_ONLY, "binary", 2),
    ],
)
def test_every_task_and_kind_of_input(
    write_project: Write, tmp_path: Path, own: str, task: str, outputs: int
) -> None:
    fitted = fit(write_project(own), task)  # type: ignore[arg-type]
    graph = export(fitted, tmp_path)
    said = compare(graph, fitted.scores, fitted.preprocessing, fitted.frame)
    assert said.passed, said
    assert said.batch_sizes == BATCHES and not said.flips
    rows = {each.sort: each.rows for each in said.sorts}
    numbers = bool(fitted.preprocessing.numbers)
    assert set(rows) == {"held out", "hard", "extreme", *(["edge"] if numbers else [])}
    assert rows["hard"] == sum(BATCHES) and rows.get("edge", 2) >= 2
    assert said.output == ("prediction" if task == "regression" else "probabilities")
    answer = graph.run(graph.inputs(fitted.frame.iloc[:5]))
    assert answer.shape == (5, outputs)
    if task != "regression":
        assert np.allclose(answer.sum(axis=1), 1, atol=1e-6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mixed")


@pytest.fixture(scope="module")
def mixed(write_project: Write, folder: Path) -> Made:
    fitted = fit(write_project(MIXED))
    return fitted, export(fitted, folder)


def test_random_rows(mixed: Made) -> None:
    fitted, graph = mixed
    number = st.one_of(st.floats(width=32), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e-30]))
    text = st.one_of(st.sampled_from(["red", "green", "blue", "", None]), st.text(max_size=8))
    row = st.fixed_dictionaries(
        {
            **{name: number for name in ("size", "weight")},
            **{name: st.integers(-9, 999) for name in ("p0", "p1", "p2")},
            "colour": text,
            "shelf": st.one_of(st.integers(0, 9), st.none()),
        }
    )

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(row, min_size=1, max_size=20))
    def agree(rows: list[dict[str, object]]) -> None:
        frame = pd.DataFrame(rows)
        ours = scores(fitted.network, fitted.preprocessing, frame)
        theirs = graph.scores(frame)
        assert np.isfinite(theirs).all()
        assert np.abs(ours - theirs).max() <= 1e-5

    agree()


def test_a_file_of_other_weights_fails(mixed: Made) -> None:
    fitted, graph = mixed
    other = copy.deepcopy(fitted.network)
    for parameter in other.parameters():
        parameter.data.add_(0.1)
    said = compare(
        graph, partial(scores, other, fitted.preprocessing), fitted.preprocessing, fitted.frame
    )
    assert not said.passed
    assert said.max_abs_diff > said.tolerance
    assert said.flips


def test_the_file_tells_how_to_feed_it_and_nothing_of_this_machine(
    mixed: Made, folder: Path
) -> None:
    _, graph = mixed
    assert graph.classes == ("0", "1")
    assert set(graph.columns) == {"size", "weight", "colour", "shelf", "p0", "p1", "p2"}
    assert str(Path.cwd()).encode() not in (folder / "model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "x if self.training else torch.special.bessel_j0(x)",
            r"the operator \w+\.bessel_j0 has no ONNX form",
        ),
        ("x if x.sum() > 0 else -x", "decides by the values of its rows"),
        ("torch.stack([row * 2 for row in x])", "takes batches of 2 rows and no others"),
    ],
)
def test_a_network_without_an_onnx_form(
    write_project: Write, tmp_path: Path, body: str, said: str
) -> None:
    name = write_project(
        f"""
        class Own(Base):
            def build(self, shape, params):
                return Odd(shape)

        class Odd(Net):
            def forward(self, numbers, codes):
                x = super().forward(numbers, codes)
                return {body}
        """
    )
    with pytest.raises(ExportFailed, match=said) as caught:
        export(fit(name), tmp_path)
    assert name in caught.value.message


def test_a_column_called_as_the_answer(write_project: Write, tmp_path: Path) -> None:
    name = write_project(NUMBERS_ONLY.replace('"size"', '"probabilities"'))
    frame = pd.DataFrame({"probabilities": np.linspace(0, 1, 60), "sold": [0, 1, 1] * 20})
    with pytest.raises(ExportFailed, match="a column is called 'probabilities'"):
        export(fit(name, frame=frame), tmp_path)


def test_torch_reads_its_operators_once(
    write_project: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = fit(write_project(NUMBERS_ONLY))
    export(fitted, tmp_path)
    # half of an export's time: the day torch reads them elsewhere, the next lines say so
    monkeypatch.setattr("torch.onnx._internal.exporter._registration.onnxscript_apis", None)
    export(fitted, tmp_path)
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    with pytest.raises(AttributeError, match="get_torchlib_ops"):
        ONNXRegistry.from_torchlib(17)
