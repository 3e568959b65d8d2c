"""Find `temporal` and `opa`, or get them: `python -m infra.toolchain ensure`.

Looked for on PATH (at a good version), then in the user's cache, then at the official download
(only with a checksum pinned in `toolchain.lock`), then built by `go install` of the pinned module,
which Go checks against its checksum database. Uses the standard library alone, since it runs
before the virtual environment is there.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perennial.contracts.errors import PerennialError

LOCK_FILE = Path(__file__).with_name("toolchain.lock")

Report = Callable[[str], None]


class ToolMissing(PerennialError):
    """A tool is not there and could not be got; the message says what to install."""


@dataclass(frozen=True)
class Tool:
    """One pinned tool, as `toolchain.lock` describes it."""

    name: str
    version: str
    module: str
    version_command: list[str]
    version_pattern: str
    at_least: str
    url: str
    assets: dict[str, dict[str, str | None]]

    def asset(self, target: str) -> tuple[str, str] | None:
        """Address and checksum of the download for a platform, if one is pinned."""
        found = self.assets.get(target, {})
        name, digest = found.get("asset"), found.get("sha256")
        return (self.url.format(asset=name), digest) if name and digest else None

    def accepts(self, binary: Path) -> bool:
        """Whether the program runs and is new enough, of the same major version."""
        try:
            said = subprocess.run(
                [str(binary), *self.version_command], capture_output=True, text=True, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        found = re.search(self.version_pattern, said.stdout)
        if said.returncode != 0 or not found:
            return False
        have, least = _numbers(found.group(1)), _numbers(self.at_least)
        return have[0] == least[0] and have >= least


def tools() -> dict[str, Tool]:
    """The pinned tools by name."""
    content: dict[str, Any] = json.loads(LOCK_FILE.read_text())
    return {name: Tool(name=name, **fields) for name, fields in content.items()}


def target() -> str:
    """This machine in the words of the lock file, such as linux-amd64."""
    machine = platform.machine().lower()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"{platform.system().lower()}-{machine}"


def cache() -> Path:
    """Where tools are kept for all checkouts of this user."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "perennial" / "toolchain"


def cached(tool: Tool) -> Path:
    """The place of the tool in the cache, whether it is there or not."""
    return cache() / f"{tool.name}-{tool.version}" / tool.name


def find(name: str) -> Path | None:
    """The tool on PATH or in the cache, if it is in one of them."""
    tool = tools()[name]
    on_path = shutil.which(name)
    if on_path and tool.accepts(Path(on_path)):
        return Path(on_path)
    place = cached(tool)
    return place if os.access(place, os.X_OK) else None


def locate(name: str) -> Path:
    """The tool, which must be there already.

    Raises:
        ToolMissing: it is neither on PATH nor in the cache.
    """
    found = find(name)
    if found is None:
        tool = tools()[name]
        raise ToolMissing(
            f"{name} {tool.version} is neither on PATH nor in {cache()}; `make setup` gets it"
        )
    return found


def ensure(name: str, report: Report) -> Path:
    """The tool, got first if need be.

    Raises:
        ToolMissing: it is not there and no way to get it worked.
    """
    from infra.toolchain_sources import SourceFailed, build, download

    tool = tools()[name]
    if found := find(name):
        report(f"{found}")
        return found
    place = cached(tool)
    place.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    with _alone(place.parent, report), tempfile.TemporaryDirectory(dir=cache()) as work:
        if os.access(place, os.X_OK):
            report(f"{place}, got by another set-up meanwhile")
            return place
        for source in (download, build):
            try:
                fresh = source(tool, target(), Path(work), report)
            except SourceFailed as failure:
                report(str(failure))
                failures.append(str(failure))
                continue
            if not tool.accepts(fresh):
                failures.append(
                    f"{fresh.name} was got, but is not version {tool.at_least} or newer"
                )
                continue
            # a rename, so that a half-written program is never found
            fresh.replace(place)
            report(f"installed {place}")
            return place
    raise ToolMissing(_advice(tool, failures))


def _advice(tool: Tool, failures: list[str]) -> str:
    reasons = "\n".join(f"  - {reason}" for reason in failures)
    return (
        f"{tool.name} is needed and could not be got:\n{reasons}\n"
        f"Do one of these, then run the command again:\n"
        f"  - install {tool.name} {tool.version} or newer so that it is on PATH\n"
        f"  - install Go 1.24 or newer (it is used as `go install {tool.module}`)\n"
        f"  - put the program at {cached(tool)}"
    )


@contextmanager
def _alone(folder: Path, report: Report) -> Iterator[None]:
    """Keep a second set-up waiting, so that a tool is built once."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another set-up is getting it; waiting for that one")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def main() -> int:
    """`ensure` gets the tools, `locate NAME` prints a path, `pin` fills in checksums."""
    command, *names = sys.argv[1:] or ["ensure"]
    try:
        if command == "locate":
            print(locate(names[0]))
        elif command == "pin":
            from infra.toolchain_sources import pin

            pin(LOCK_FILE, print)
        else:
            for name in names or tools():
                ensure(name, lambda line, name=name: print(f"{name}: {line}", flush=True))  # type: ignore[misc]
    except ToolMissing as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
