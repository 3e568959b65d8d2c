"""`perennial labels`: files of any size, sent in batches, and what is said of a bad line."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from perennial.cli import label_files

from .conftest import Call
from .documents import problem
from .server import Asked, Script

GUIDE = Path("docs/guides/late-labels.md").resolve()
TABLE = {
    "watermark": "2026-03-01T12:00:00Z",
    "read_at": "2026-03-01T12:05:00Z",
    "rows": 1200,
    "refused": 1,
    "problems": ["row of 2026-03-01T11:00:00+00:00: at [is] no time"],
    "error": "OperationalError: [db] refused",
    "away_since": "2026-03-01T12:10:00Z",
}
SENT = "POST /v1/models/flights/labels"


def kept(asked: Asked) -> tuple[int, Any]:
    return 200, {"new": len(asked.json["labels"]), "repeated": 0, "changed": 0}


def sent(api: Script) -> list[list[Any]]:
    return [asked.json["labels"] for asked in api.requests("POST", "/v1/models/flights/labels")]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(name: str, text: str) -> str:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return str(file)

    return write


def test_a_csv_file(api: Script, cli: Call, write: Any) -> None:
    api.answers[SENT] = kept
    file = write(
        "labels.csv",
        "\ufeffrequest_id,row,value,at,asked_at\n"
        "a,0,late,2026-03-01T12:00:00Z,2026-02-26T08:15:00Z\n"
        '\nb,3,"1,5",2026-03-01T12:00:00Z,\n'
        "c,,,,\n",
    )
    result = cli("labels", "send", "flights", file)
    assert (result.code, result.out) == (0, "3 new, 0 repeated, 0 changed\n")
    ((a, b, c),) = sent(api)
    at = "2026-03-01T12:00:00Z"
    assert a == {
        "request_id": "a",
        "row": 0,
        "value": "late",
        "at": at,
        "asked_at": "2026-02-26T08:15:00Z",
    }
    assert b == {"request_id": "b", "row": 3, "value": "1,5", "at": at}
    assert c.pop("at") > at and c == {"request_id": "c", "value": ""}, "known as it is sent"
    assert api.asked[0].token == "token-of-engineer"


def test_json_lines_and_what_scripts_read(api: Script, cli: Call, write: Any) -> None:
    api.answers[SENT] = (200, {"new": 0, "repeated": 1, "changed": 1})
    label = {"entity": "c-17", "value": True, "at": "2026-03-01T12:00:00Z"}
    file = write("labels.jsonl", f"{json.dumps(label)}\n\n{json.dumps(label | {'value': 0.5})}\n")
    result = cli("labels", "send", "flights", file, "--json")
    assert result.json == {"new": 0, "repeated": 1, "changed": 1}
    assert sent(api) == [[label, label | {"value": 0.5}]]


def test_many_go_in_batches(api: Script, cli: Call, write: Any) -> None:
    api.answers[SENT] = kept
    short = "".join(f"r{number},1\n" for number in range(5_001))
    long = "".join(f"{number:06},{'x' * 10_000}\n" for number in range(100))
    result = cli(
        "labels", "send", "flights", write("labels.csv", f"request_id,value\n{short}{long}")
    )
    assert result.out == "5,101 new, 0 repeated, 0 changed\n"
    sizes = [len(asked.body) for asked in api.requests("POST", "/v1/models/flights/labels")]
    assert len(sent(api)[0]) == 5_000 and max(sizes) < 1024 * 1024
    assert len(sizes) == 3 and sum(map(len, sent(api))) == 5_101


def test_a_bad_line_is_named(
    api: Script, cli: Call, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [
        {"field": "body.labels[1].at", "expected": "a time that has come", "got": "x"},
        {"field": "body.labels[0].value.int", "expected": "an int", "got": "[]"},
        {"field": "body.labels[0]", "expected": "one of both", "got": "{}"},
    ]
    refused = problem(422, "invalid-request", "the request does not fit", problems=wrong)
    answers = [(200, {"new": 2, "repeated": 0, "changed": 0}), (422, refused)]
    api.answers[SENT] = lambda _: answers.pop(0)
    monkeypatch.setattr(label_files, "_MOST", 2)
    file = write("labels.csv", "request_id,value\na,1\n\nb,2\nc,3\nd,4\n")
    result = cli("labels", "send", "flights", file)
    assert result.code == 1
    assert (
        f"{file} line 6: at: a time that has come\n{file} line 5: value.int: an int" in result.err
    )
    assert f"{file} line 5: one of both" in result.err
    assert "2 labels before were kept, and none of this batch of 2" in result.err
    api.answers[SENT] = (422, problem(422, "invalid-request", "the request does not fit"))
    assert "the request does not fit" in cli("labels", "send", "flights", file).err
    assert cli("labels", "send", "flights", file, "--json").code == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("labels.xlsx", "", "neither CSV nor JSON lines"),
        ("labels.csv", "", "is empty; its first line has the names request_id, entity, row"),
        ("labels.csv", "request,value\n", "line 1: there is no column 'request'"),
        ("labels.csv", "request_id,value\na\n", "line 2: 1 values for 2 columns"),
        ("labels.csv", "request_id,row,value\na,x,1\n", "line 2: row is a whole number from 0"),
        ("labels.jsonl", '{"a": 1}\n{"a"\n', "line 2: "),
        ("labels.jsonl", "[1]\n", "line 1: a label is a JSON object, not [1]"),
    ],
)
def test_a_file_that_is_none(
    api: Script, cli: Call, write: Any, name: str, text: str, said: str
) -> None:
    api.answers[SENT] = kept
    result = cli("labels", "send", "flights", write(name, text))
    assert result.code == 1 and said in result.err
    assert sent(api) == []


def test_a_file_that_cannot_be_read(api: Script, cli: Call, tmp_path: Path) -> None:
    missing = cli("labels", "send", "flights", str(tmp_path / "no.csv"))
    assert missing.code == 1 and "no.csv cannot be read: No such file" in missing.err
    (tmp_path / "latin.csv").write_bytes(b"request_id,value\na,\xe9t\xe9\n")
    assert "is not UTF-8 text" in cli("labels", "send", "flights", str(tmp_path / "latin.csv")).err


def test_how_many_there_are(api: Script, cli: Call) -> None:
    counts = {
        "waiting": 3,
        "joined": 1200,
        "given_up": 0,
        "changed": 2,
        "newest": None,
        "table": TABLE,
    }
    api.answers["GET /v1/models/flights/labels"] = (200, counts)
    result = cli("labels", "show", "flights", "--as", "viewer")
    assert result.out == (
        "1,200 joined, 3 waiting for their request, 0 given up, 2 changed; newest: none came yet\n"
        "table: 1,200 rows read until 2026-03-01T12:00:00Z, 1 refused\n"
        "table: away since 2026-03-01T12:10:00Z, tried again in each round: "
        "OperationalError: [db] refused\n"
        "  row of 2026-03-01T11:00:00+00:00: at [is] no time\n"
    )
    assert cli("labels", "show", "flights", "--json").json == counts


def test_the_guide_can_be_followed(api: Script, cli: Call, write: Any) -> None:
    counts = {"waiting": 2, "joined": 0, "given_up": 0, "changed": 0, "newest": None, "table": None}
    api.answers |= {SENT: kept, "GET /v1/models/flights/labels": (200, counts)}
    blocks = dict(
        re.findall(r"^```(csv|sh)\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    )
    write("labels.csv", blocks["csv"])
    commands = [shlex.split(line)[1:] for line in blocks["sh"].splitlines()]
    assert [cli(*command).code for command in commands] == [0, 0]
    assert [label["value"] for label in sent(api)[0]] == ["late", "on time"]
