"""The guide's commands, against an API that answers as it is told."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from perennial.contracts.spec import ModelSpec
from tests.samples import spec

from .conftest import Call
from .documents import RUN, finished
from .server import Script

GUIDES = Path("docs/guides")
COMMANDS = re.findall(r"^\$ perennial (.+)$", (GUIDES / "reproduce.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("outcome", "code"), [("reproduced", 0), ("differs", 10)])
def test_the_guides_commands(api: Script, cli: Call, outcome: str, code: int) -> None:
    where = "POST /v1/models/flights/versions/3/reproduce"
    api.answers[where] = (202, {"run_id": RUN, "status": "running", "ahead": 0})
    api.first_run = finished(outcome, "version 3 said so")
    for line in COMMANDS:
        result = cli(*shlex.split(line))
        assert result.code == code
        assert f"{outcome}: version 3 said so" in result.out
    bodies = [asked.json for asked in api.requests(*where.split())]
    assert bodies == [{"reason": ""}, {"reason": "audit of 2026", "tolerance": 0.0}]


def test_the_guides_search_is_part_of_a_spec() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (GUIDES / "search.md").read_text(), re.DOTALL)
    read = ModelSpec.model_validate({**spec().model_dump(mode="json"), **yaml.safe_load(block)})
    assert read.search is not None and set(read.search.space) == {"hidden", "learning_rate"}
