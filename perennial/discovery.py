"""Find the API and a token for it, without asking the person.

The first of these that says anything wins:

    address  --url, PERENNIAL_API_URL, the stack.json of `make up`, http://127.0.0.1:8000
    tokens   PERENNIAL_TOKEN, PERENNIAL_TOKENS_FILE, the stack.json of `make up`,
             tokens.json in the state folder

The state folder is PERENNIAL_STATE_DIR, or the `.perennial` of this folder or of the nearest one
above it. When another address was given by hand, the tokens of a stack that merely lies around are
not sent to it: a token goes to the API that made it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_PRINCIPAL = "engineer"


class DiscoveryError(Exception):
    """No usable address or token; the message says where they were looked for."""


@dataclass(frozen=True)
class Found:
    """An API, and how to prove to it who asks."""

    url: str
    tokens_file: Path | None
    token_given: str | None = None
    state_dir: Path | None = None

    def token(self, principal: str | None = None) -> str:
        """The token of a principal, named by its name or by its role.

        With no principal named it is PERENNIAL_TOKEN, or else the engineer's.

        Raises:
            DiscoveryError: there is no tokens file, or nobody of that name in it.
        """
        if principal is None and self.token_given is not None:
            return self.token_given
        principal = principal or DEFAULT_PRINCIPAL
        if self.tokens_file is None:
            raise DiscoveryError(
                f"no token for {self.url}: set PERENNIAL_TOKEN, or PERENNIAL_TOKENS_FILE to the "
                f"file that the API made at its first start"
            )
        entries = read_tokens(self.tokens_file)
        for key in ("name", "role"):
            for entry in entries:
                if entry.get(key) == principal:
                    return str(entry["token"])
        known = ", ".join(str(entry.get("name")) for entry in entries) or "nobody"
        raise DiscoveryError(
            f"{self.tokens_file} has no token for {principal!r}; it has {known}. Choose one of "
            f"them with --as"
        )


def find(
    url: str | None = None,
    environ: Mapping[str, str] | None = None,
    start: Path | None = None,
) -> Found:
    """Find the API that is meant from `start`, the working folder unless given.

    Raises:
        DiscoveryError: a stack.json was found and cannot be read.
    """
    environ = os.environ if environ is None else environ
    state_dir = _state_dir(environ, start or Path.cwd())
    summary = _summary(state_dir)
    local = str(summary.get("addresses", {}).get("api") or DEFAULT_URL).rstrip("/")
    address = (url or environ.get("PERENNIAL_API_URL") or local).rstrip("/")
    ours = _plain(address) == _plain(local)
    return Found(
        url=address,
        tokens_file=_tokens_file(environ, state_dir, summary, ours=ours),
        token_given=environ.get("PERENNIAL_TOKEN") or None,
        state_dir=state_dir,
    )


def read_tokens(path: Path) -> list[dict[str, Any]]:
    """The entries of a tokens file: name, role and token of each principal.

    Raises:
        DiscoveryError: the file is not there, is another's, or is no tokens file.
    """
    try:
        entries = json.loads(path.read_text())["tokens"]
        return [entry for entry in entries if entry["token"]]
    except FileNotFoundError:
        raise DiscoveryError(
            f"{path} is not there: the API makes it at its first start (`make up`)"
        ) from None
    except PermissionError:
        raise DiscoveryError(
            f"{path} belongs to somebody else: ask them for a token and set PERENNIAL_TOKEN"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise DiscoveryError(
            f"{path} is not a tokens file; move it away and start the API again to get a new one"
        ) from None


def _state_dir(environ: Mapping[str, str], start: Path) -> Path | None:
    if given := environ.get("PERENNIAL_STATE_DIR"):
        return Path(given)
    for folder in (start, *start.parents):
        if (state := folder / ".perennial").is_dir():
            return state
    return None


def _summary(state_dir: Path | None) -> dict[str, Any]:
    if state_dir is None:
        return {}
    path = state_dir / "stack.json"
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DiscoveryError(
            f"{path} cannot be read ({error}); `make up` writes it anew"
        ) from error
    return document if isinstance(document, dict) else {}


def _tokens_file(
    environ: Mapping[str, str], state_dir: Path | None, summary: dict[str, Any], *, ours: bool
) -> Path | None:
    if given := environ.get("PERENNIAL_TOKENS_FILE"):
        return Path(given)
    if state_dir is None or not (ours or environ.get("PERENNIAL_STATE_DIR")):
        return None
    return Path(summary.get("tokens_file") or state_dir / "tokens.json")


def _plain(address: str) -> str:
    return address.replace("//localhost", "//127.0.0.1")
