"""The command line against the whole real stack, as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.stack import Stack
from tests.e2e.test_bad_input import spec_of
from tests.people import good_rows, write_points


class Ended(NamedTuple):
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """A folder in which commands are typed."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        checkout = str(Path(__file__).parents[2])
        self._env = {**os.environ, **stack.env, "PYTHONPATH": checkout, "COLUMNS": "80"}
        self._env.pop("PERENNIAL_TOKEN", None)
        self.folder = folder

    def __call__(self, *arguments: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "perennial.cli", *arguments],
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def write_spec(self, **changes: Any) -> str:
        """Write a spec of points, and return its model's name. JSON is YAML too."""
        data = write_points(self.folder, good_rows(800))
        spec = spec_of(data, **changes)
        spec["training"]["epochs"] = 12
        (self.folder / "model.yaml").write_text(json.dumps(spec, indent=2))
        return str(spec["model"])


@pytest.fixture(scope="module")
def perennial(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(stack, tmp_path_factory.mktemp("shell"))


@pytest.fixture(scope="module")
def waiting(perennial: Shell) -> Any:
    """A run that waits for production, as `perennial run` told it."""
    model = perennial.write_spec(risk_tier="medium", environments=["staging", "production"])
    applied = perennial("apply", "-f", "model.yaml")
    assert (applied.code, applied.out) == (0, f"{model}: spec version 1, applied\n"), applied.err
    ended = perennial("run", model, "--reason", "a first model")
    return model, ended


@pytest.fixture(scope="module")
def champion(perennial: Shell, waiting: Any) -> tuple[str, str]:
    """The model and the run of a version that was approved for production."""
    model, ended = waiting
    run = ended.out.split()[0]
    approved = perennial("--as", "approver", "approve", run, "--comment", "looks right")
    assert approved.code == 0, approved.err
    assert "roc_auc" in approved.out
    followed = perennial("status", run, "--follow")
    assert followed.code == 0, followed.out + followed.err
    assert "promoted: version 1 is champion of production" in followed.out
    return model, run


def test_a_run_is_told_as_it_goes_on_and_ends_where_it_waits(waiting: Any) -> None:
    _, ended = waiting
    assert ended.code == 5, ended.out + ended.err
    done = [line.split()[1] for line in ended.out.splitlines() if line.startswith("✓")]
    assert done[:7] == [
        "snapshot",
        "validate",
        "profile",
        "train",
        "evaluate",
        "export",
        "register",
    ]
    assert "epoch 12/12  loss 0." in ended.out
    run = ended.out.split()[0]
    assert f"perennial --as approver approve {run}\n" in ended.out


def test_what_became_champion_and_why(perennial: Shell, champion: tuple[str, str]) -> None:
    model, run = champion
    found = perennial("champions", model, "--json").json["champions"]
    assert [(c["environment"], c["version"], c["run_id"]) for c in found] == [
        ("staging", 1, run),
        ("production", 1, run),
    ]
    [reign] = perennial(
        *("champions", model, "--history", "--environment", "production", "--json")
    ).json["items"]
    assert reign["approved_by"] == ["approver"]
    assert perennial("champions", model, "--at", "2020-01-01", "--json").json["items"] == []


def test_its_card_says_it_to_people(perennial: Shell, champion: tuple[str, str]) -> None:
    model, _ = champion
    text = perennial("card", model, "1").out
    for sentence in (
        *("**in use in**: staging and production", "approver said yes on", "ROC curve"),
        *("| roc auc | ", " | at least ", "policy that judged", "learning rate"),
    ):
        assert sentence in text, text
    assert "known to be vulnerable was not checked: no source" in text
    written = perennial("card", model, "1", "--html", "card.html")
    assert written.code == 0, written.err
    assert (perennial.folder / "card.html").read_text().count("<svg") >= 5


def test_decisions_are_shown_and_agree_when_asked_again(
    perennial: Shell, champion: tuple[str, str]
) -> None:
    _, run = champion
    decisions = perennial("decisions", "--run", run, "--json").json["items"]
    assert {decision["outcome"] for decision in decisions} == {"allow", "needs_approval"}
    shown = perennial("decisions", "show", decisions[0]["decision_id"], "--json").json
    assert shown["question"]["evidence"]["metrics"]["roc_auc"] > 0.5
    replayed = perennial("decisions", "replay", "--json")
    assert replayed.code == 0, replayed.out + replayed.err
    assert replayed.json["asked"] >= len(decisions)


def test_a_stricter_policy_flips_decisions(perennial: Shell, champion: tuple[str, str]) -> None:
    folder = perennial.folder / "policies" / "perennial" / "promotion"
    folder.mkdir(parents=True)
    (folder / "promotion.rego").write_text(
        "package perennial.promotion\n\n"
        'decision := {"allow": false, "deny": ["nothing may"], "approvals_required": 0,\n'
        '\t"approvals_missing": 0, "policy_digest": data.perennial.bundle.digest}\n'
    )
    model, _ = champion
    ended = perennial("decisions", "replay", "--policy", "policies", "--model", model)
    assert ended.code == 10, ended.out + ended.err
    assert "nothing may" in ended.out


def test_a_changed_policy_comes_into_force_and_goes(
    perennial: Shell, champion: tuple[str, str]
) -> None:
    own = Path(__file__).parents[2] / "policies"
    folder = perennial.folder / "changed"
    shutil.copytree(own, folder)
    with (folder / "perennial" / "promotion" / "promotion.rego").open("a") as rules:
        rules.write("\n# decides as before\n")
    model, _ = champion
    try:
        put = perennial("policies", "apply", str(folder), "--as", "admin", "--json")
        assert put.code == 0, put.err
        assert put.json["asked"] >= 2, "the champions of both environments"
        assert model not in {flip["model"] for flip in put.json["flipped"]}
    finally:
        back = perennial("policies", "apply", str(own), "--as", "admin")
    assert back.code == 0, back.err
    assert f"in place of {put.json['policy_digest'][:12]}" in back.out


def test_the_ledger_leaves_the_house_and_still_verifies(
    perennial: Shell, champion: tuple[str, str]
) -> None:
    assert perennial("ledger", "verify").code == 0
    written = perennial("ledger", "export", "ledger.jsonl", "--json").json
    verified = perennial("ledger", "verify", "ledger.jsonl", "--json").json
    assert verified == {
        "ok": True,
        "rows": written["rows"],
        "head": written["head"],
        "first_bad": None,
    }


def test_there_is_nothing_before_the_first_champion(
    perennial: Shell, champion: tuple[str, str]
) -> None:
    ended = perennial("rollback", champion[0], "--environment", "production")
    assert ended.code == 1
    assert "production" in ended.err


def test_a_denied_run_says_the_numbers(perennial: Shell) -> None:
    bound = {"primary": "roc_auc", "thresholds": [{"metric": "roc_auc", "min": 0.9999}]}
    model = perennial.write_spec(metrics=bound)
    assert perennial("apply", "-f", "model.yaml").code == 0
    ended = perennial("run", model)
    assert ended.code == 6, ended.out + ended.err
    assert "roc_auc" in ended.out and "0.9999" in ended.out


def test_a_run_that_waits_can_be_cancelled(perennial: Shell) -> None:
    model = perennial.write_spec(risk_tier="medium", environments=["production"])
    assert perennial("apply", "-f", "model.yaml").code == 0
    run = perennial("run", model, "--json").json["run_id"]
    assert perennial("cancel", run, "--reason", "changed our minds").code == 0
    followed = perennial("status", run, "--follow", "--wait")
    assert followed.code == 9
    assert "changed our minds" in followed.out


def test_everything_wrong_in_a_spec_comes_with_its_place(perennial: Shell) -> None:
    (perennial.folder / "wrong.yaml").write_text(
        "model: points\nproject: nothing\ntask: binary\nsource:\n  url: x\n"
        "metrics:\n  primary: roc_auc\nowners: [a]\n"
    )
    ended = perennial("apply", "-f", "wrong.yaml")
    assert ended.code == 1
    assert "wrong.yaml:2:10: project: expected" in ended.err
    assert "wrong.yaml:5:3: source.url: expected" in ended.err


def test_who_may_not_and_what_is_not_there(perennial: Shell, champion: tuple[str, str]) -> None:
    model, _ = champion
    assert perennial("--as", "viewer", "run", model).code == 4
    mistyped = perennial("run", model[:-1])
    assert mistyped.code == 3
    assert model in mistyped.err
