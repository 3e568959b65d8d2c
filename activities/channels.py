"""The platform's channels: by name, where alerts go. Their addresses hold secrets.

They come from a file that only its owner may read, and go nowhere else: not into a log, an error,
the records or an answer of the API. Apprise is loaded where a channel needs it.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from perennial.contracts.alert_plan import CHANNEL_NAME
from perennial.contracts.errors import BadInput, NotAllowed

_SECRET = "whsec_"


class Channel(BaseModel):
    """One channel: a webhook that is signed, or addresses of Apprise."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    webhook: SecretStr | None = None
    secret: SecretStr | None = None
    apprise: tuple[SecretStr, ...] = ()

    @field_validator("webhook")
    @classmethod
    def _safe(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _is_safe(url.get_secret_value()):
            raise ValueError("a webhook is an https address; http is for this machine only")
        return url

    @field_validator("secret")
    @classmethod
    def _strong(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _is_strong(secret.get_secret_value()):
            raise ValueError(
                f"a secret is {_SECRET} and 24 to 64 random bytes in base64; make one with "
                f"`echo {_SECRET}$(openssl rand -base64 32)`"
            )
        return secret

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.webhook is None) == (not self.apprise):
            raise ValueError("a channel has either webhook and secret, or apprise")
        if (self.webhook is None) != (self.secret is None):
            raise ValueError("webhook and secret go together: what is sent is signed")
        return self


def read_channels(path: Path | None) -> Mapping[str, Channel]:
    """The channels of a file; none without one.

    Raises:
        NotAllowed: others than its owner may read it.
        BadInput: it cannot be read, or is no file of channels.
    """
    if path is None:
        return MappingProxyType({})
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise BadInput(
            f"the channels for alerts in {path} cannot be read: {why}; PERENNIAL_CHANNELS says "
            f"where they are"
        ) from None
    if mode & 0o077:
        raise NotAllowed(
            f"{path} holds secrets and can be read by others (mode {mode:04o}); run "
            f"`chmod 600 {path}`"
        )
    problems: list[str] = []
    channels: dict[str, Channel] = {}
    for name, value in _document(path, text).items():
        if not isinstance(name, str) or not re.fullmatch(CHANNEL_NAME, name):
            problems.append("a name is of letters, digits and @ . _ + -, 100 at most")
            continue
        try:
            channels[name] = Channel.model_validate(value)
        except ValidationError as error:
            problems += [f"{name}: {_said(detail)}" for detail in error.errors(include_input=False)]
    problems += _unknown(channels)
    if problems:
        raise BadInput(
            f"{path} is no file of channels: {'; '.join(problems)}; docs/guides/alerts.md shows one"
        )
    return MappingProxyType(channels)


def load_apprise() -> Any:
    """Apprise, which takes a second to load and says addresses in its log."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    import apprise

    return apprise


def _document(path: Path, text: str) -> dict[Any, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        # without the line itself, which may hold a secret
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadInput(f"{path} is no YAML{where}; correct it") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadInput(f"{path} is no file of channels: it is no mapping of names to channels")
    return found


def _said(detail: Any) -> str:
    where = ".".join(str(step) for step in detail["loc"])
    return f"{where}: {detail['msg']}" if where else str(detail["msg"])


def _unknown(channels: Mapping[str, Channel]) -> list[str]:
    """Addresses that Apprise does not understand, by their place: the address is a secret."""
    if not any(channel.apprise for channel in channels.values()):
        return []
    apprise = load_apprise()
    return [
        f"{name}: apprise address {place} is none that Apprise understands"
        for name, channel in channels.items()
        for place, url in enumerate(channel.apprise, 1)
        if apprise.Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True) is None
    ]


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018  (raises for a port that is none)
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme != "http":
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_strong(secret: str) -> bool:
    if not secret.startswith(_SECRET):
        return False
    body = secret.removeprefix(_SECRET)
    try:
        key = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except binascii.Error:
        return False
    return 24 <= len(key) <= 64
