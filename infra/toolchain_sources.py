"""The two ways to get a tool that is not there: the official download, and Go."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from perennial.contracts.errors import PerennialError

if TYPE_CHECKING:
    from infra.toolchain import Report, Tool

_CONNECT_SECONDS = 15
_PROGRESS_SECONDS = 8.0
_CHUNK = 1 << 20


class SourceFailed(PerennialError):
    """One way did not work; the next is tried."""


def download(tool: Tool, target: str, work: Path, report: Report) -> Path:
    """Fetch the official release and check it against the pinned checksum.

    Raises:
        SourceFailed: no checksum is pinned, the host is away, or the checksum differs.
    """
    pinned = tool.asset(target)
    if pinned is None:
        raise SourceFailed(
            f"download skipped: no checksum of {tool.name} {tool.version} for {target} is pinned"
        )
    url, digest = pinned
    archive = work / url.rsplit("/", 1)[1]
    report(f"downloading {url}")
    found = _fetch(url, archive, report)
    if found != digest:
        raise SourceFailed(f"{url} has checksum {found}, pinned is {digest}: it is not used")
    return _unpack(archive, tool.name, work)


def build(tool: Tool, target: str, work: Path, report: Report) -> Path:
    """Build the pinned module with `go install`, under the person's own Go settings.

    Raises:
        SourceFailed: there is no Go, or the build failed.
    """
    go = shutil.which("go")
    if go is None:
        raise SourceFailed("build skipped: there is no `go` on PATH")
    report(f"building with `go install {tool.module}` (some minutes, once)")
    # Static, and no C compiler needed, unless the person says otherwise.
    env = {"CGO_ENABLED": "0"} | os.environ | {"GOBIN": str(work / "bin")}
    process = subprocess.Popen(
        [go, "install", "-v", tool.module],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    said: deque[str] = deque(maxlen=15)
    counts = {"downloaded": 0, "compiled": 0}
    reader = threading.Thread(target=_read, args=(process, said, counts), daemon=True)
    reader.start()
    begin = time.monotonic()
    try:
        while reader.is_alive():
            reader.join(_PROGRESS_SECONDS)
            if reader.is_alive():
                report(
                    f"{time.monotonic() - begin:.0f} s: {counts['downloaded']} modules fetched, "
                    f"{counts['compiled']} packages compiled"
                )
        status = process.wait()
    finally:
        process.kill()  # does nothing unless this was interrupted
    if status != 0:
        raise SourceFailed(f"`go install {tool.module}` failed:\n    " + "\n    ".join(said))
    report(f"built in {time.monotonic() - begin:.0f} s")
    return work / "bin" / tool.name


def pin(lock_file: Path, report: Report) -> None:
    """Write the checksum of every download into the lock file, for review in a commit."""
    content = json.loads(lock_file.read_text())
    scratch = lock_file.with_suffix(".download")
    for name, tool in content.items():
        for target, asset in tool["assets"].items():
            url = tool["url"].format(asset=asset["asset"])
            found = _fetch(url, scratch, report)
            report(f"{name} {target}: {found}")
            asset["sha256"] = found
    scratch.unlink(missing_ok=True)
    lock_file.write_text(json.dumps(content, indent=2) + "\n")


def _read(process: subprocess.Popen[str], said: deque[str], counts: dict[str, int]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("go: downloading"):
            counts["downloaded"] += 1
        elif not line.startswith("go: "):
            counts["compiled"] += 1
        said.append(line.rstrip())


def _fetch(url: str, place: Path, report: Report) -> str:
    """Write what is at the address to a file and return its SHA-256."""
    digest, size, told = hashlib.sha256(), 0, time.monotonic()
    try:
        with (
            urllib.request.urlopen(url, timeout=_CONNECT_SECONDS) as answer,
            place.open("wb") as file,
        ):
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                if time.monotonic() - told > _PROGRESS_SECONDS:
                    told = time.monotonic()
                    report(f"{size / 2**20:.0f} MB fetched")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise SourceFailed(f"download failed: {url}: {reason}") from error
    return digest.hexdigest()


def _unpack(archive: Path, name: str, work: Path) -> Path:
    program = work / name
    if archive.name.endswith(".tar.gz"):
        try:
            with tarfile.open(archive) as tar:
                member = tar.extractfile(name)
                if member is None:
                    raise SourceFailed(f"{archive.name} holds no program called {name}")
                with member, program.open("wb") as file:
                    shutil.copyfileobj(member, file)
        except (KeyError, tarfile.TarError) as error:
            raise SourceFailed(f"{archive.name} cannot be unpacked: {error}") from error
    else:
        archive.rename(program)
    program.chmod(0o755)
    return program
