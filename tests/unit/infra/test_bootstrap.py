"""What a newcomer with another Python reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import bootstrap


def test_another_python_gets_clear_advice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "WANTED", (3, 99))
    assert bootstrap.main() == 1
    said = capsys.readouterr().err
    assert "needs Python 3.99" in said
    assert "PYTHON=" in said


def test_the_wanted_python_on_path_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "python3.99"
    other.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(bootstrap, "WANTED", (3, 99))
    assert bootstrap.main() == 0
    assert (tmp_path / "asked").read_text().splitlines()[-1] == "-m infra.bootstrap"


def test_a_stub_of_a_version_manager_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = tmp_path / "python3.99"
    stub.write_text("#!/bin/sh\necho 'choose a version' >&2; exit 127\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(bootstrap, "WANTED", (3, 99))
    assert bootstrap.main() == 1
    assert "needs Python 3.99" in capsys.readouterr().err
