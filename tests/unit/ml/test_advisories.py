"""Known vulnerabilities, asked of a real HTTP server that speaks OSV's interface."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from activities.advisories import Advisories, locked
from activities.modelling.code import lock_of
from tests.servers import free_port

LOCK = """\
# by uv
certifi==2020.1.1 \\
    --hash=sha256:00
    # via httpx
uvicorn[standard]==0.30.0 ; python_version >= '3.11' \\
    --hash=sha256:01
Jinja2==2.11
plain==1.0
"""
KNOWN = {
    ("certifi", "2020.1.1"): ["GHSA-43fp-rhv2-5gv8", "PYSEC-2022-42986", "PYSEC-2023-135"],
    ("jinja2", "2.11"): ["PYSEC-2021-66"],
}


class Osv(BaseHTTPRequestHandler):
    """POST /v1/querybatch, two advisories a page, as osv.dev answers; or as it should not."""

    says: Any = None
    batches: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.path == "/v1/querybatch"
        self.batches.append(len(body["queries"]))
        status, document = self.says or (200, {"results": list(map(self._one, body["queries"]))})
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _one(self, query: Any) -> Any:
        assert query["package"]["ecosystem"] == "PyPI"
        ids = KNOWN.get((query["package"]["name"], query["version"]), [])
        start = int(query.get("page_token", 0))
        found = [
            {"id": each, "modified": "2024-01-01T00:00:00Z"} for each in ids[start : start + 2]
        ]
        more = {"next_page_token": str(start + 2)} if start + 2 < len(ids) else {}
        return {"vulns": found, **more} if found else {}

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def osv() -> Iterator[str]:
    Osv.says, Osv.batches = None, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.lock"
    file.write_text(LOCK)
    return file


def test_packages_are_those_that_are_pinned() -> None:
    assert locked(LOCK) == [
        ("certifi", "2020.1.1"),
        ("jinja2", "2.11"),
        ("plain", "1.0"),
        ("uvicorn", "0.30.0"),
    ]


def test_a_projects_lock_is_beside_it_or_above(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    found = lock_of(root / "examples" / "flights" / "project.py")
    assert found == root / "requirements.lock" and len(locked(found.read_text())) > 100
    assert lock_of(tmp_path / "project.py") is None


def test_every_page_of_advisories_is_counted(osv: str, lock: Path) -> None:
    found = Advisories(f"{osv}/").check(lock)
    assert (found.status, found.packages, found.advisories, found.why) == ("checked", 4, 4, "")
    assert found.source == osv and Osv.batches == [4, 1]
    assert [(v.package, v.version, v.advisories) for v in found.vulnerable] == [
        ("certifi", "2020.1.1", tuple(KNOWN["certifi", "2020.1.1"])),
        ("jinja2", "2.11", ("PYSEC-2021-66",)),
    ]


def test_nothing_found_is_zero(osv: str, lock: Path) -> None:
    lock.write_text("plain==1.0\n")
    found = Advisories(osv).check(lock)
    assert (found.status, found.advisories, found.vulnerable) == ("checked", 0, ())


def test_more_packages_than_one_question_holds(osv: str, lock: Path) -> None:
    lock.write_text("\n".join(f"p{number}==1" for number in range(1_500)))
    assert Advisories(osv).check(lock).advisories == 0
    assert Osv.batches == [1_000, 500]


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ((503, {}), "did not answer: Server error '503"),
        ((200, b"<html>"), "not OSV's form"),
        ((200, {"results": []}), "not OSV's form"),
        ((200, ["results"]), "not OSV's form"),
        ((200, {"results": [{"vulns": [{}]}] * 4}), "not OSV's form"),
        ((200, {"results": [{"next_page_token": "again"}] * 4}), "not OSV's form"),
    ],
)
def test_an_answer_that_is_none_is_not_checked(osv: str, lock: Path, says: Any, why: str) -> None:
    Osv.says = says
    found = Advisories(osv).check(lock)
    assert (found.status, found.advisories) == ("not checked", None)
    assert why in found.why


def test_what_nobody_was_asked_about_is_not_checked(lock: Path, osv: str) -> None:
    assert "PERENNIAL_ADVISORIES_URL" in Advisories("").check(lock).why
    assert "no requirements.lock" in Advisories(osv).check(None).why
    lock.write_text("# nothing\n")
    assert "pins no package" in Advisories(osv).check(lock).why


def test_a_source_that_is_away_is_not_checked_and_no_secret_told(lock: Path) -> None:
    away = Advisories(f"http://somebody:secret@127.0.0.1:{free_port()}").check(lock)
    assert (away.status, away.packages) == ("not checked", 4)
    assert "did not answer" in away.why and "secret" not in away.model_dump_json()
