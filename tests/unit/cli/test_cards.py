"""`perennial card`: Markdown to read and to keep, and a page in a file."""

from __future__ import annotations

from pathlib import Path

from fastapi import Response

from .conftest import Call
from .server import Asked, Script

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
