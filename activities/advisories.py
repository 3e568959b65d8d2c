"""Known vulnerabilities of the locked packages, by a source that speaks OSV's interface.

Source: https://google.github.io/osv.dev/post-v1-querybatch/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from perennial.contracts.advisories import DependencyCheck, Vulnerable

_AT_ONCE, _PAGES, _SHOWN = 1_000, 20, 100
_SECONDS = 10.0
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)

Package = tuple[str, str]


class Advisories:
    """One source, asked once for each candidate. It never fails: what it cannot tell it says."""

    def __init__(self, url: str) -> None:
        """`url`: of the source; empty: none is asked."""
        self._url = url.rstrip("/")

    def check(self, lock: Path | None) -> DependencyCheck:
        """Ask about every package of a lock file. Blocks, ten seconds a request at most."""
        if not self._url:
            return self._unknown("no source of advisories is set (PERENNIAL_ADVISORIES_URL)")
        if lock is None:
            return self._unknown("there is no requirements.lock beside the project or above it")
        packages = locked(lock.read_text(encoding="utf-8"))
        if not packages:
            return self._unknown(f"{lock.name} pins no package")
        try:
            with httpx.Client(base_url=self._url, timeout=_SECONDS) as client:
                found = _ask(client, packages)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            return self._unknown(f"the source did not answer: {why}", len(packages))
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._unknown("what the source answered is not OSV's form", len(packages))
        vulnerable = [
            Vulnerable(package=name, version=version, advisories=tuple(sorted(ids)))
            for (name, version), ids in sorted(found.items())
            if ids
        ]
        return DependencyCheck(
            status="checked",
            source=self._source,
            packages=len(packages),
            advisories=sum(len(each.advisories) for each in vulnerable),
            vulnerable=tuple(vulnerable[:_SHOWN]),
            checked_at=datetime.now(UTC),
        )

    @property
    def _source(self) -> str:
        """Its address without a password in it."""
        return re.sub(r"//[^/@]*@", "//", self._url)

    def _unknown(self, why: str, packages: int = 0) -> DependencyCheck:
        return DependencyCheck(
            status="not checked",
            why=why.replace(self._url, self._source) if self._url else why,
            source=self._source,
            packages=packages,
            checked_at=datetime.now(UTC),
        )


def locked(text: str) -> list[Package]:
    """Names and versions of a lock file of pip's form, each once."""
    return sorted({(name.lower(), version) for name, version in _PINNED.findall(text)})


def _ask(client: httpx.Client, packages: Sequence[Package]) -> dict[Package, set[str]]:
    """Ids of advisories by package. Raises what a source that is none makes of it."""
    found: dict[Package, set[str]] = {package: set() for package in packages}
    asked: list[tuple[Package, str]] = [(package, "") for package in packages]
    for _ in range(_PAGES):
        after: list[tuple[Package, str]] = []
        for part in _parts(asked):
            answer = client.post("/v1/querybatch", json={"queries": [_query(*e) for e in part]})
            answer.raise_for_status()
            results = answer.json()["results"]
            for (package, _), result in zip(part, results, strict=True):
                found[package] |= {str(each["id"]) for each in result.get("vulns") or ()}
                if token := result.get("next_page_token"):
                    after.append((package, token))
        if not after:
            return found
        asked = after
    raise ValueError("it has ever more pages")


def _parts(asked: list[tuple[Package, str]]) -> Iterator[list[tuple[Package, str]]]:
    for start in range(0, len(asked), _AT_ONCE):
        yield asked[start : start + _AT_ONCE]


def _query(package: Package, page: str) -> dict[str, Any]:
    name, version = package
    query = {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
    return {**query, "page_token": page} if page else query
