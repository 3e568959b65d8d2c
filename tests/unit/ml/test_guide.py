"""The guide's model works as it is printed, and the examples are what they say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sklearn.datasets import load_wine
from temporalio.testing import ActivityEnvironment

from activities.data import DataActivities
from activities.modelling.data.snapshots import Frames
from activities.modelling.evidence.metrics import measure, require
from activities.modelling.export.parity import compare
from activities.modelling.models.preprocessing import truth_of
from perennial.blobs import BlobStore
from perennial.contracts.data import TakeSnapshot, ValidateSnapshot
from perennial.contracts.spec import ModelSpec, Source, Training
from tests.unit.ml.making import export, fit
from tests.unit.ml.stages import Stages

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "guides" / "first-model.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)


async def through(spec: ModelSpec, blobs: BlobStore, folder: Path) -> dict[str, float]:
    """The stages of a run that need no server; the figures on held-out rows."""
    frames, environment = Frames(blobs), ActivityEnvironment()
    activities = DataActivities(blobs, frames)
    snapshot = await environment.run(
        activities.take_snapshot,
        TakeSnapshot(run_id="r", model=spec.model, project=spec.project, source=spec.source),
    )
    said = await environment.run(
        activities.validate_snapshot,
        ValidateSnapshot(
            run_id="r", model=spec.model, project=spec.project, task=spec.task, snapshot=snapshot
        ),
    )
    assert said.passed, said.summary()
    fitted = fit(spec.project, spec.task, spec.training, frames.read(snapshot))
    held_out = fitted.frame.iloc[fitted.prepared.rows.test]
    graph = export(fitted, folder)
    assert compare(graph, fitted.scores, fitted.preprocessing, held_out).passed
    truth = truth_of(held_out[fitted.preprocessing.target], fitted.preprocessing.classes)
    found = measure(spec.task, truth, fitted.scores(held_out), fitted.project)
    require(found, spec.metrics)
    return found


def passes(spec: ModelSpec, found: dict[str, float]) -> bool:
    return all(
        (t.min is None or found[t.metric] >= t.min) and (t.max is None or found[t.metric] <= t.max)
        for t in spec.metrics.thresholds
    )


async def test_the_guides_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blobs: BlobStore
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    made_by = blocks("sh")[0].replace(".venv/bin/python", sys.executable)
    subprocess.run(["bash", "-ec", made_by], check=True)
    (tmp_path / "wines" / "project.py").write_text(blocks("python")[0])
    spec = ModelSpec.model_validate(yaml.safe_load(blocks("yaml")[0]))
    assert passes(spec, await through(spec, blobs, tmp_path))


@pytest.mark.parametrize("name", ["ByTrees", "ByPairs"])
async def test_the_guides_other_kinds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blobs: BlobStore
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    module = f"kinds_{name.lower()}"
    (tmp_path / f"{module}.py").write_text(blocks("python")[0] + "\n" + blocks("python")[2])
    spec = ModelSpec.model_validate(yaml.safe_load(blocks("yaml")[0]))
    wines = load_wine(as_frame=True).frame.assign(bottle=range(178))
    wines.to_csv(tmp_path / "wines.csv", index=False)
    source = Source(uri=str(tmp_path / "wines.csv"))
    run = Stages(blobs, f"{module}:{name}", spec.task, spec.training, source)
    snapshot = await run.snapshot()
    trained = run.trained(snapshot)
    assert passes(spec, (await run.evaluated(snapshot, trained, spec.metrics)).metrics)
    assert (await run.exported(snapshot, trained)).parity.passed


def test_the_guides_own_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "growers.py").write_text(
        "import torch\n" + blocks("python")[0] + "\n" + blocks("python")[1]
    )
    wines = load_wine(as_frame=True).frame.assign(bottle=range(178))
    plan = Training(epochs=3, batch_size=16, learning_rate=0.1)
    fitted = fit("growers:Grower", "multiclass", plan, wines)
    assert [epoch.epoch for epoch in fitted.epochs] == [1, 2, 3]
    assert fitted.epochs[-1].loss < fitted.epochs[0].loss


@pytest.mark.parametrize("name", ["digits", "flights"])
async def test_an_example_passes_its_own_thresholds(
    name: str, tmp_path: Path, blobs: BlobStore
) -> None:
    text = (ROOT / "examples" / name / "model.yaml").read_text()
    spec = ModelSpec.model_validate(yaml.safe_load(text))
    assert passes(spec, await through(spec, blobs, tmp_path))


def test_a_tabular_project_is_short() -> None:
    source = (ROOT / "examples" / "flights" / "project.py").read_text()
    spoken: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            first = node.body[0]
            spoken |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    lines = [
        line
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in spoken
    ]
    assert len(lines) <= 60
