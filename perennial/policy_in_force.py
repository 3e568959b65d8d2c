"""Which policy a stack's OPA answers by: a bundle in a file that it watches.

A stack begins with its own folder of policies. Another policy may be put in force while it runs,
and stays through restarts, until the folder changes or the next one is put in force: whoever spoke
last is heard.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from perennial.contracts.base import Json
from perennial.contracts.errors import Refused
from perennial.policy_bundle import kept


def watched(bundles: Path) -> Path:
    """The file that OPA watches, alone in its folder: OPA reads anew whatever changes there."""
    return bundles / "in-force" / "bundle.tar.gz"


def begin(own: Path, bundles: Path) -> Path:
    """Put in force what a stack starts with, and say which bundle that is.

    Args:
        own: bundle of the stack's own folder of policies, as it is now, kept in `bundles`.
        bundles: where bundles are kept.

    Raises:
        NotFound: another policy was put in force, and it is no longer kept. None stands in for it.
    """
    said = _said(bundles)
    put = said.get("put") if said.get("own") == _digest(own) else None
    chosen = kept(bundles, put) if put else own
    watched(bundles).parent.mkdir(parents=True, exist_ok=True)
    _swap(chosen, watched(bundles), bundles)
    _say(bundles, {"own": _digest(own), "put": put})
    return chosen


def put(bundle: Path, bundles: Path) -> None:
    """Have OPA read another bundle, which takes it some 50 ms, and begin with it from now on.

    Raises:
        Refused: no OPA watches the file.
    """
    target = watched(bundles)
    if not target.is_file():
        raise Refused(
            f"no OPA takes its policies from {target}: it was started in another way, or runs "
            f"elsewhere; put the policies in force there as you put others in force there"
        )
    if not (bundles / bundle.name).exists():
        _swap(bundle, bundles / bundle.name, bundles)
    _swap(bundle, target, bundles)
    said, digest = _said(bundles), _digest(bundle)
    _say(bundles, {**said, "put": None if digest == said.get("own") else digest})


def _swap(bundle: Path, target: Path, bundles: Path) -> None:
    """In one step: whoever reads sees the old one or the new one."""
    new = bundles / ".in-force.tar.gz"  # not beside OPA's, which would read for nothing
    shutil.copyfile(bundle, new)
    new.replace(target)


def _digest(bundle: Path) -> str:
    return bundle.name.removesuffix(".tar.gz")


def _said(bundles: Path) -> Json:
    """`own`: digest of the folder's bundle at the last start. `put`: of what is there instead."""
    path = bundles / "in-force.json"
    said: Json = json.loads(path.read_text()) if path.exists() else {}
    return said


def _say(bundles: Path, said: Json) -> None:
    new = bundles / ".in-force.json"
    new.write_text(json.dumps(said))
    new.replace(bundles / "in-force.json")
