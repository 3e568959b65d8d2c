"""Addresses that name secrets rather than hold them: `${DATABASE_URL}`."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

from perennial.contracts.errors import SourceInvalid

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Resolved:
    """An address as it is used, and what must not be said of it.

    Attributes:
        value: with each reference replaced by the environment's variable.
    """

    def __init__(self, address: str) -> None:
        self._hidden: dict[str, str] = {}

        def replaced(match: re.Match[str]) -> str:
            found = os.environ.get(match[1])
            if found is None:
                raise SourceInvalid(
                    f"source {address!r} names ${{{match[1]}}}, which is not set where the workers "
                    f"run; set it there, or mend source.uri"
                )
            self._hide(found, match[0])
            return found

        self.value = _REFERENCE.sub(replaced, address)

    def __repr__(self) -> str:
        return "<an address>"

    def shown(self, text: object) -> str:
        """What somebody else's library said, without the secrets."""
        said = str(text)
        for secret in sorted(self._hidden, key=len, reverse=True):
            said = said.replace(secret, self._hidden[secret])
        return said

    def _hide(self, secret: str, name: str) -> None:
        if not secret:
            return
        self._hidden[secret] = name
        # a library quotes parts of a URL as well as the whole
        if "://" in secret and (password := _password(secret)):
            self._hidden |= {password: name, unquote(password): name}


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None
