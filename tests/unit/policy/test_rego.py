"""The policies as source: formatted, strict, documented, tested, and asking for what there is."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from perennial.contracts.policy import MonitoringQuestion, PromotionQuestion, RolloutQuestion
from tests.unit.policy.conftest import POLICIES

RULE_FILES = sorted(
    path.relative_to(POLICIES)
    for path in POLICIES.rglob("*.rego")
    if not path.name.endswith("_test.rego")
)


def run(opa: str, *arguments: str) -> str:
    done = subprocess.run([opa, *arguments], cwd=POLICIES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def inspected(opa: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        run(opa, "inspect", "--annotations", "--format", "json", ".")
    )["annotations"]
    return found


def test_policies_are_formatted_and_strict(opa: str) -> None:
    assert run(opa, "fmt", "--list", ".") == ""
    run(opa, "check", "--strict", "--bundle", ".")


def test_their_own_tests_pass_and_cover_every_line(opa: str) -> None:
    report = json.loads(run(opa, "test", "--coverage", "--threshold", "100", "."))
    assert report["coverage"] == 100


@pytest.mark.parametrize(
    ("question", "theirs"),
    [
        (PromotionQuestion, ("promotion", "checks", "approvals", "rules", "modes", "bounds")),
        (RolloutQuestion, ("rollout",)),
        (MonitoringQuestion, ("monitoring",)),
    ],
)
def test_they_ask_for_nothing_that_a_question_does_not_have(
    question: type[PromotionQuestion | RolloutQuestion | MonitoringQuestion],
    theirs: tuple[str, ...],
    opa: str,
    tmp_path: Path,
) -> None:
    schema = question.model_json_schema(mode="serialization")
    schema["properties"]["now"] = {"type": "string"}
    path = tmp_path / "question.json"
    path.write_text(json.dumps(schema))
    shared = ("facts", "limits", "numbers")
    folders = [f"perennial/{name}" for name in (*theirs, *shared)]
    run(opa, "check", "--strict", "--schema", str(path), "--ignore", "*_test.rego", *folders)


def test_each_folder_is_of_one_kind_of_question_or_of_all() -> None:
    found = {path.parts[1] for path in RULE_FILES}
    kinds = {"promotion", "rollout", "monitoring"}
    assert found == kinds | {
        *("approvals", "bounds", "checks", "facts", "modes", "numbers", "rules")
    }


@pytest.mark.parametrize("path", RULE_FILES, ids=str)
def test_each_file_is_where_its_package_is_and_has_a_test(path: Path) -> None:
    package = ".".join(path.parent.parts)
    assert f"\npackage {package}\n" in (POLICIES / path).read_text()
    assert (POLICIES / path.with_name(f"{path.stem}_test.rego")).is_file()


@pytest.mark.parametrize("path", RULE_FILES, ids=str)
def test_each_package_and_public_rule_is_documented(
    path: Path, opa: str, inspected: list[dict[str, Any]]
) -> None:
    module = json.loads(run(opa, "parse", "--format", "json", str(path)))
    rules = {rule["head"]["name"] for rule in module["rules"] if "name" in rule["head"]}
    package = ".".join(path.parent.parts)
    documented = {
        ".".join(part["value"] for part in found["path"][1:])
        for found in inspected
        if found["location"]["file"] == str(path)
        and found["annotations"].get("title")
        and found["annotations"].get("description")
    }
    public = {f"{package}.{name}" for name in rules if not name.startswith("_")}
    assert public
    assert documented == public | {package}


def test_the_example_of_the_guide_works(opa: str, tmp_path: Path) -> None:
    guide = (POLICIES.parent / "docs" / "guides" / "policies.md").read_text()
    rule, test = re.findall(r"```rego\n(.*?)```", guide, flags=re.DOTALL)
    example = tmp_path / "perennial" / "checks" / "owners"
    example.mkdir(parents=True)
    (example / "owners.rego").write_text(rule)
    (example / "owners_test.rego").write_text(test)
    assert run(opa, "fmt", "--list", str(tmp_path)) == ""
    question = str(POLICIES / "perennial" / "example")
    results = json.loads(run(opa, "test", "--format", "json", str(tmp_path), question))
    assert {result["name"] for result in results} == {
        "test_two_owners_are_enough",
        "test_one_owner_is_too_few",
    }  # OPA gives them in no certain order
