"""`perennial card`: Markdown to read and to keep, and a page in a file."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from fastapi import Response

from perennial.card import as_html, as_markdown
from perennial.contracts.card_plan import CardPlan
from perennial.contracts.evidence_plan import EvidencePlan
from tests.unit.card.known import known

from .conftest import Call
from .server import Asked, Script

ROOT = Path(__file__).parents[3]
ASKED = "GET /v1/models/flights/versions/3/card"


def answer(asked: Asked) -> tuple[int, Response]:
    html = asked.query.get("as") == "html"
    return 200, Response("<h1>flights</h1>\n" if html else "# flights\n\n| a | b |\n")


def test_a_card_is_printed_as_it_came_and_written_as_a_page(
    api: Script, cli: Call, tmp_path: Path
) -> None:
    api.answers[ASKED] = answer
    assert cli("card", "flights", "3").out == "# flights\n\n| a | b |\n"
    assert cli("card", "flights", "3", "--json").json["markdown"].startswith("# flights")
    file = tmp_path / "card.html"
    shown = cli("card", "flights", "3", "--html", str(file))
    assert shown.code == 0 and file.read_text() == "<h1>flights</h1>\n"
    assert "card.html" in shown.out.replace("\n", "")
    nowhere = cli("card", "flights", "3", "--html", str(tmp_path / "no" / "card.html"))
    assert nowhere.code == 2 and "cannot be written" in nowhere.err


def test_a_version_that_is_not_there_is_told(api: Script, cli: Call) -> None:
    problem = {"title": "Not found", "type": "urn:perennial:error:not-found", "detail": "no v3"}
    api.answers[ASKED] = (404, problem)
    shown = cli("card", "flights", "3")
    assert shown.code != 0 and "no v3" in shown.err


def test_the_guide_is_as_it_is(
    api: Script, cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commands run, its excerpts stand in a card, and its pieces of a spec are ones."""
    guide = (ROOT / "docs" / "guides" / "read-a-model-card.md").read_text()
    made = known()
    text, page = as_markdown(made), as_html(made)
    api.answers[ASKED] = lambda asked: (
        200,
        Response(page if asked.query["as"] == "html" else text),
    )
    monkeypatch.chdir(tmp_path)
    commands = [
        shlex.split(each) for each in re.findall(r"^\$ perennial (.*)$", guide, re.MULTILINE)
    ]
    printed = [cli(*command) for command in commands]
    assert len(printed) == 2 and all(each.code == 0 for each in printed)
    assert (tmp_path / "card.html").read_text() == page
    [excerpt] = re.findall(r"```\n(Of two rows.*?)```", guide, flags=re.DOTALL)
    assert all(line in printed[0].out for line in excerpt.splitlines())
    parts = re.findall(r"^\| ([A-Z][^|]*?) \|", guide, re.MULTILINE)
    for part in [one for each in parts for one in re.split(r", (?=What)", each)]:
        assert f"## {part}\n" in text, part
    card, rules = (
        yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    )
    assert CardPlan.model_validate(card["card"]).contact
    assert EvidencePlan.model_validate(rules["evidence"]).rules[0].of == "dependencies"
