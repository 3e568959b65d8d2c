"""One form for every value that is hashed: RFC 8785 canonical JSON."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
from pydantic import BaseModel


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value or a pydantic model.

    Raises:
        ValueError: the value holds NaN, infinity or a type that JSON does not have.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    form: bytes = rfc8785.dumps(value)
    return form


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
