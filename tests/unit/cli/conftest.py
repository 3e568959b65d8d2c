from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

import perennial
from perennial.cli.app import app
from perennial.cli.render import console

from .documents import platform
from .server import Script, Server


class Result(NamedTuple):
    """How a call of the command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Result]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def api(server: Server) -> Script:
    """A new script for the server, so that no test sees another's requests."""
    server.script = Script()
    server.script.answers["GET /v1/status"] = (200, platform())
    return server.script


@pytest.fixture
def environment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A folder with a stack.json and tokens, as `make up` leaves it, and nothing else set."""
    for name in ("API_URL", "STATE_DIR", "TOKEN", "TOKENS_FILE"):
        monkeypatch.delenv(f"PERENNIAL_{name}", raising=False)
    state = tmp_path / ".perennial"
    state.mkdir()
    principals = ("viewer", "engineer", "approver", "admin")
    tokens = [{"name": name, "role": name, "token": f"token-of-{name}"} for name in principals]
    (state / "tokens.json").write_text(json.dumps({"tokens": tokens}))
    (state / "stack.json").write_text(
        json.dumps({"addresses": {"api": server.url}, "tokens_file": str(state / "tokens.json")})
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TZ", "UTC")
    return {"url": server.url}


@pytest.fixture
def cli(environment: dict[str, str]) -> Call:
    def call(*arguments: str, input: str | None = None) -> Result:
        console.cache_clear()
        result = CliRunner().invoke(app, list(arguments), input=input, prog_name="perennial")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def terminal(environment: dict[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    checkout = str(Path(perennial.__file__).parents[1])
    return kept | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40", "PYTHONPATH": checkout}
