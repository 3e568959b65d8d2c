"""What the environment is made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra import venv
from perennial.feast import environment

LOCK = """\
# made by uv
aiofiles==25.1.0 \\
    --hash=sha256:aa
    # via x
nvidia-cublas==13.1 \\
    --hash=sha256:bb
    # via torch
torch==2.13.0 \\
    --hash=sha256:cc \\
    --hash=sha256:dd
torchmetrics==1.0 \\
    --hash=sha256:ee
triton==3.7.1 \\
    --hash=sha256:ff
"""


def test_a_cpu_lock_keeps_all_but_torch_and_cuda() -> None:
    kept = "\n".join(venv.without_cuda(LOCK))
    assert "aiofiles==25.1.0" in kept
    assert "torchmetrics==1.0" in kept
    for gone in ("torch==", "nvidia", "triton", "sha256:bb", "sha256:dd"):
        assert gone not in kept


def test_the_real_lock_loses_no_hash_of_what_stays() -> None:
    text = venv.LOCK.read_text()
    kept = "\n".join(venv.without_cuda(text))
    assert 0 < venv.count(text) - venv.count(kept) < 30
    assert "ray==" in kept


def test_the_locked_version() -> None:
    assert venv.locked_version(LOCK, "torch") == "2.13.0"
    with pytest.raises(venv.SetupFailed, match="jax"):
        venv.locked_version(LOCK, "jax")


def test_no_index_or_folder_is_in_a_lock() -> None:
    for lock in (venv.LOCK, venv.UV_LOCK, environment.LOCK):
        text = lock.read_text()
        assert "://" not in text
        assert "--find-links" not in text


def test_a_changed_lock_calls_for_an_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp, lock = tmp_path / "stamp", tmp_path / "requirements.lock"
    lock.write_text(LOCK)
    monkeypatch.setattr(venv, "LOCK", lock)
    monkeypatch.setattr(venv, "_STAMP", stamp)
    monkeypatch.setattr(venv, "PYTHON", lock)  # any file that is there
    assert not venv.is_current()
    stamp.write_text(json.dumps(venv._wanted()))
    assert venv.is_current()
    lock.write_text(LOCK.replace("25.1.0", "25.1.1"))
    assert not venv.is_current()
    lock.write_text(LOCK)
    monkeypatch.setenv(venv.TORCH_INDEX, "https://index.example")
    assert not venv.is_current()


def test_a_failed_step_shows_what_the_command_said() -> None:
    lines: list[str] = []
    with pytest.raises(venv.SetupFailed, match="no room left"):
        venv._run("doing it", ["sh", "-c", "echo no room left; exit 3"], lines.append)
    assert lines == ["doing it"]
