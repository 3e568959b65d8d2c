"""Which bundle OPA is handed: the stack's own, or the one that was put in force since."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.contracts.errors import NotFound, Refused
from perennial.policy_in_force import begin, put, watched


def bundle(folder: Path, letter: str) -> Path:
    """Nothing looks into it here."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{letter * 64}.tar.gz"
    path.write_text(letter)
    return path


def served(bundles: Path) -> str:
    return watched(bundles).read_text()


def test_a_stack_begins_with_its_own_policies(tmp_path: Path) -> None:
    own = bundle(tmp_path, "a")
    assert begin(own, tmp_path) == own
    assert served(tmp_path) == "a"


def test_what_was_put_in_force_is_kept_and_outlives_a_restart(tmp_path: Path) -> None:
    own, other = bundle(tmp_path, "a"), bundle(tmp_path / "sent", "b")
    begin(own, tmp_path)
    put(other, tmp_path)
    assert served(tmp_path) == "b"
    other.unlink()
    assert begin(own, tmp_path).read_text() == served(tmp_path) == "b"


def test_whoever_spoke_last_is_heard(tmp_path: Path) -> None:
    own, other = bundle(tmp_path, "a"), bundle(tmp_path, "b")
    begin(own, tmp_path)
    put(other, tmp_path)
    begin(bundle(tmp_path, "c"), tmp_path)
    assert served(tmp_path) == "c", "the folder has changed since"
    begin(own, tmp_path)
    assert served(tmp_path) == "a"
    put(other, tmp_path)
    put(own, tmp_path)
    begin(own, tmp_path)
    assert served(tmp_path) == "a"


def test_no_other_policy_stands_in_for_one_that_is_gone(tmp_path: Path) -> None:
    own, other = bundle(tmp_path, "a"), bundle(tmp_path, "b")
    begin(own, tmp_path)
    put(other, tmp_path)
    other.unlink()
    with pytest.raises(NotFound, match="policy bbbbbbbbbbbb is not kept"):
        begin(own, tmp_path)


def test_an_opa_that_takes_its_policies_elsewhere_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no OPA takes its policies from"):
        put(bundle(tmp_path, "a"), tmp_path)
    assert [path.name[:1] for path in tmp_path.iterdir()] == ["a"]
