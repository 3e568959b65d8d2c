"""The file of channels: refused when it is wrong, and never said what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from activities.channels import read_channels
from perennial.contracts.errors import BadInput, NotAllowed
from perennial.settings import Settings
from tests.receiving import SECRET
from workers.control import control_worker

SECRETS = ("hunter2", SECRET.removeprefix("whsec_"))


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "channels.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_channels_by_name(tmp_path: Path) -> None:
    text = f"""
    ops: {{webhook: https://hooks.example.org/hunter2, secret: {SECRET}}}
    ada@example.org:
      apprise: ["json://localhost/hunter2"]
    """
    path = written(tmp_path, text)
    channels = read_channels(path)
    assert sorted(channels) == ["ada@example.org", "ops"]
    assert not any(secret in repr(channels) for secret in SECRETS)
    assert Settings(state_dir=tmp_path).channels_file == path
    assert Settings(state_dir=tmp_path / "other").channels_file is None
    assert read_channels(None) == read_channels(written(tmp_path, "")) == {}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(NotAllowed, match="chmod 600"):
        read_channels(written(tmp_path, "{}", mode))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "no mapping of names"),
        ("ops: [hunter2", "no YAML at line 1, column 14"),
        ("'a b': {}", "a name is of letters"),
        ("ops: hunter2", "ops: Input should be"),
        ("ops: {webhok: https://x/hunter2}", "ops: webhok: Extra inputs"),
        ("ops: {}", "either webhook and secret, or apprise"),
        ("ops: {webhook: 'https://x/hunter2'}", "webhook and secret go together"),
        (f"ops: {{webhook: 'http://x.org/hunter2', secret: {SECRET}}}", "an https address"),
        (f"ops: {{webhook: 'https://[x/hunter2', secret: {SECRET}}}", "an https address"),
        ("ops: {webhook: 'https://x', secret: hunter2}", "24 to 64 random bytes"),
        ("ops: {webhook: 'https://x', secret: whsec_hunter2}", "24 to 64 random bytes"),
        ("ops: {apprise: ['slak://hunter2']}", "apprise address 1 is none that Apprise"),
        (f"ops: {{apprise: ['json://x'], secret: {SECRET}}}", "webhook and secret go together"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_channels(written(tmp_path, text))
    assert says in caught.value.message
    assert not any(secret in caught.value.message for secret in SECRETS)


async def test_no_worker_starts_on_a_file_that_is_wrong(tmp_path: Path) -> None:
    client: Any = None  # it is not reached
    with pytest.raises(BadInput, match="either webhook and secret, or apprise"):
        async with control_worker(client, Settings(channels=written(tmp_path, "ops: {}"))):
            pass


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file or directory; PERENNIAL_CHANNELS"):
        read_channels(tmp_path / "nowhere.yaml")
