"""Each guarantee of the guide names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "durability.md").read_text()
PROOFS = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", GUIDE)))


@pytest.mark.parametrize(("file", "test"), PROOFS)
def test_its_proof_exists(file: str, test: str) -> None:
    assert f"def {test}(" in (ROOT / "tests" / file).read_text()


def test_each_line_of_what_holds_has_a_proof() -> None:
    holds = GUIDE.partition("## What holds")[2].partition("## What does not hold")[0]
    rows = [row for row in holds.splitlines() if row.startswith("| ") and "proof |" not in row]
    assert len(rows) > 15
    assert [row for row in rows if "::test_" not in row] == []
