"""Where a tool comes from: PATH, the cache, the pinned download, Go."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from pathlib import Path

import pytest

from infra import toolchain, toolchain_sources
from infra.toolchain import Tool, ToolMissing

OLD, GOOD, NEXT = "1.2.2", "1.2.3", "2.0.0"


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def tool(**changes: object) -> Tool:
    fields: dict[str, object] = {
        "name": "widget",
        "version": "1.2.3",
        "module": "example.com/widget@v1.2.3",
        "version_command": ["version"],
        "version_pattern": r"Version: (\d+\.\d+\.\d+)",
        "at_least": "1.2.3",
        "url": "",
        "assets": {},
    }
    return Tool(**fields | changes)  # type: ignore[arg-type]


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, a PATH with nothing but a shell's needs, and one tool: the widget."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setattr(toolchain, "tools", lambda: {"widget": tool()})
    monkeypatch.setattr(toolchain, "target", lambda: "linux-amd64")
    monkeypatch.setattr(toolchain_sources, "_PROGRESS_SECONDS", 0.05)
    return tmp_path


def go(tmp_path: Path, version: str = GOOD) -> Path:
    """A stand-in for Go that builds a widget where GOBIN says."""
    return script(
        tmp_path / "bin" / "go",
        'echo "go: downloading example.com/part v1"; echo "example.com/part"; sleep 0.2\n'
        f'mkdir -p "$GOBIN"; printf "#!/bin/sh\\necho Version: {version}\\n" > "$GOBIN/widget"\n'
        'chmod +x "$GOBIN/widget"; echo "$@" > "$GOBIN/../../asked"',
    )


@pytest.mark.parametrize(("version", "good"), [(OLD, False), (GOOD, True), (NEXT, False)])
def test_one_on_path_is_taken_if_its_version_is_good(
    tmp_path: Path, version: str, good: bool
) -> None:
    found = script(tmp_path / "bin" / "widget", f"echo Version: {version}")
    assert toolchain.find("widget") == (found if good else None)


def test_one_that_does_not_run_is_not_taken(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "widget", f"echo Version: {GOOD}; exit 1")
    assert toolchain.find("widget") is None


def test_a_cached_one_is_taken(tmp_path: Path) -> None:
    place = script(toolchain.cached(tool()), "true")
    assert toolchain.locate("widget") == place


def test_locate_says_how_to_get_it() -> None:
    with pytest.raises(ToolMissing, match="make setup"):
        toolchain.locate("widget")


def test_go_builds_it_into_the_cache_with_progress(tmp_path: Path, lines: list[str]) -> None:
    go(tmp_path)
    place = toolchain.ensure("widget", lines.append)
    assert place == toolchain.cached(tool())
    assert toolchain.find("widget") == place
    assert any("no checksum" in line for line in lines)
    assert any("packages compiled" in line for line in lines)
    assert not list(toolchain.cache().glob("tmp*"))


def test_a_build_of_the_wrong_version_is_not_installed(tmp_path: Path, lines: list[str]) -> None:
    go(tmp_path, OLD)
    with pytest.raises(ToolMissing, match=r"not version 1\.2\.3"):
        toolchain.ensure("widget", lines.append)
    assert toolchain.find("widget") is None


def test_a_failed_build_shows_what_go_said(tmp_path: Path, lines: list[str]) -> None:
    script(tmp_path / "bin" / "go", 'echo "no route to the module"; exit 1')
    with pytest.raises(ToolMissing, match="no route to the module"):
        toolchain.ensure("widget", lines.append)


def test_with_nothing_possible_the_advice_is_complete(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolMissing) as caught:
        toolchain.ensure("widget", lines.append)
    message = str(caught.value)
    assert "no checksum" in message
    assert "no `go` on PATH" in message
    assert "install widget 1.2.3 or newer" in message
    assert "go install example.com/widget@v1.2.3" in message
    assert str(toolchain.cached(tool())) in message


def published(tmp_path: Path, digest: str | None = None) -> Tool:
    """A widget at its download address: a tar archive, as Temporal's is."""
    body = f"#!/bin/sh\necho Version: {GOOD}\n".encode()
    archive = tmp_path / "widget.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("widget")
        member.size = len(body)
        tar.addfile(member, io.BytesIO(body))
    digest = digest or hashlib.sha256(archive.read_bytes()).hexdigest()
    return tool(
        url=f"file://{tmp_path}/{{asset}}",
        assets={"linux-amd64": {"asset": "widget.tar.gz", "sha256": digest}},
    )


def test_the_download_with_the_pinned_checksum_is_taken(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = published(tmp_path)
    monkeypatch.setattr(toolchain, "tools", lambda: {"widget": there})
    place = toolchain.ensure("widget", lines.append)
    assert tool().accepts(place)


def test_a_download_that_differs_is_refused_and_go_is_next(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = published(tmp_path, digest="0" * 64)
    monkeypatch.setattr(toolchain, "tools", lambda: {"widget": there})
    go(tmp_path)
    assert toolchain.ensure("widget", lines.append).exists()
    assert any("it is not used" in line for line in lines)


def test_a_host_that_is_away_leaves_it_to_go(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = published(tmp_path)
    (tmp_path / "widget.tar.gz").unlink()
    monkeypatch.setattr(toolchain, "tools", lambda: {"widget": there})
    go(tmp_path)
    assert toolchain.ensure("widget", lines.append).exists()
    assert any("download failed" in line for line in lines)


def test_the_lock_file_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name, locked in toolchain.tools().items():
        assert locked.version in locked.module
        assert re.compile(locked.version_pattern).groups == 1
        assert {"linux-amd64", "linux-arm64", "darwin-arm64"} <= set(locked.assets)
        for asset in locked.assets.values():
            assert asset["sha256"] is None or re.fullmatch("[0-9a-f]{64}", asset["sha256"])
            assert name in str(asset["asset"])
