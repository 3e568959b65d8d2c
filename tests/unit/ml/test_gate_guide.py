"""The guide to the gate: its spec is the example's, and the example is judged as it says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from activities.modelling.evidence.examination import Examination
from activities.modelling.evidence.held_out import HeldOut
from activities.modelling.evidence.metrics import measure
from activities.modelling.export.parity import compare
from activities.modelling.export.speed import measure_speed
from activities.modelling.models import candidates
from activities.modelling.models.preprocessing import truth_of
from perennial.blobs import BlobStore
from perennial.contracts.evidence_plan import MEASURES, EvidencePlan
from perennial.contracts.policy import PromotionQuestion
from perennial.contracts.spec import ModelSpec
from perennial.policy_answer import Reading, interpret
from perennial.policy_bundle import build, evaluate
from tests.questions import as_input, question
from tests.servers import program
from tests.unit.ml.making import export, fit

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "guides" / "what-the-gate-checks.md").read_text()


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    text = (ROOT / "examples" / "diabetes" / "model.yaml").read_text()
    told, relaxed = re.findall(r"```yaml\n(evidence:.*?)```", GUIDE, flags=re.DOTALL)
    document = yaml.safe_load(text)
    assert yaml.safe_load(told)["evidence"] == document["evidence"]
    assert EvidencePlan.model_validate(yaml.safe_load(relaxed)["evidence"]).modes.champion == "warn"
    return ModelSpec.model_validate(document)


def asked(spec: ModelSpec, folder: Path) -> PromotionQuestion:
    """May the example's first version enter production? Made without a server."""
    fitted = fit(spec.project, spec.task, spec.training)
    held_out = fitted.frame.iloc[fitted.prepared.rows.test]
    classes = fitted.preprocessing.classes
    truth = truth_of(held_out[fitted.preprocessing.target], classes)

    def score(frame: Any) -> Any:
        return candidates.scores(fitted.network, fitted.preprocessing, frame)

    rows = HeldOut(spec.task, fitted.project, held_out, classes, truth)
    examination = Examination(rows, spec.metrics, spec.evidence, spec.training.seed)
    graph, scores = export(fitted, folder), score(held_out)
    usual = question(champion=None, asked_at=datetime.now(UTC))
    evidence = usual.evidence.model_copy(
        update={
            "metrics": measure(spec.task, truth, scores, fitted.project),
            "test_rows": len(truth),
            "examined": examination.examine(
                scores, {}, score, BlobStore(f"file://{folder / 'blobs'}")
            ),
            "parity": compare(graph, score, fitted.preprocessing, held_out),
            "speed": measure_speed(graph, held_out),
            "megabytes": (folder / "model.onnx").stat().st_size / 1e6,
        }
    )
    return usual.model_copy(
        update={
            "thresholds": spec.thresholds_in("production"),
            "rules": spec.evidence.rules_in("production"),
            "evidence": evidence,
        }
    )


async def test_the_example_is_judged_as_the_guide_says(spec: ModelSpec, tmp_path: Path) -> None:
    good = asked(spec, tmp_path)
    # one rule of the guide's section on denials, stricter than anybody should be
    [told] = re.findall(r"```yaml\n(- \{of.*?)```", GUIDE, flags=re.DOTALL)
    strict = spec.evidence.model_validate({"groups": ["sex"], "rules": yaml.safe_load(told)}).rules
    unmeasured = good.evidence.model_copy(update={"examined": None, "speed": None})
    bundle, now = build(ROOT / "policies", tmp_path, program("opa")), datetime.now(UTC)
    inputs = [
        as_input(each, now)
        for each in (
            good,
            good.model_copy(update={"rules": strict}),
            good.model_copy(update={"evidence": unmeasured}),
        )
    ]
    allowed, denied, lost = map(interpret, await evaluate(bundle, inputs, program("opa")))
    assert (allowed.outcome, allowed.reasons) == ("allow", ())
    _is_as_printed(denied)
    # whatever was not measured denies, rule by rule, but for the ones that only warn
    assert lost.outcome == "deny" and len(lost.reasons) == 6 and len(lost.warnings) == 2
    # the first version has no champion to be compared with, and a slice no group to be judged
    assert not any("champion" in reason for reason in lost.reasons)


def _is_as_printed(denied: Reading) -> None:
    """The guide's reasons with this machine's numbers."""
    [printed] = re.findall(r"```\n(equalized_odds.*?)```", GUIDE, flags=re.DOTALL)
    lines = printed.strip().splitlines()
    found = [*denied.reasons, *denied.warnings]
    assert len(lines) == len(found)
    for line, reason in zip(lines, found, strict=True):
        figure = re.compile(r"-?\d+(\.\d+)?(e-\d+)?")
        assert figure.sub("#", line) == figure.sub("#", reason)


def test_it_names_everything_that_can_be_judged() -> None:
    for subject, measures in MEASURES.items():
        [row] = re.findall(rf"^\| `{subject}` \|.*$", GUIDE, flags=re.MULTILINE)
        assert [name for name in measures if f"`{name}`" not in row] == []
    assert all(f"| `{subject}` |" in GUIDE for subject in ("metric", "slice"))
