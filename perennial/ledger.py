"""The ledger's chain: how a row is hashed, and how a whole ledger is verified.

Needs the standard library and rfc8785 only, so that an exported ledger can be verified anywhere,
by anyone, without this platform.

A row is a JSON object with the keys of `FIELDS` and `hash`, where

    hash = sha256(prev_hash || canonical(row without hash))

`canonical` is RFC 8785, `prev_hash` the previous row's hash in hex (64 zeros before the first),
and `seq` counts from 1 without gaps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

GENESIS = "0" * 64
FIELDS = ("seq", "at", "actor", "kind", "model", "subject", "body", "effect", "prev_hash")


@dataclass(frozen=True)
class BadRow:
    """The first row that does not verify."""

    seq: int
    problem: str


@dataclass(frozen=True)
class Verification:
    """What verifying found: `rows` that hold, and the hash of the last of them."""

    ok: bool
    rows: int
    head: str
    first_bad: BadRow | None = None


def row_hash(row: Mapping[str, Any]) -> str:
    """The hash of a row, in hex. Keys beside `FIELDS` are not looked at.

    Raises:
        KeyError: a field is missing.
        ValueError: a value has no canonical JSON form.
    """
    content: bytes = rfc8785.dumps({field: row[field] for field in FIELDS})
    return hashlib.sha256(str(row["prev_hash"]).encode() + content).hexdigest()


def verify(rows: Iterable[Mapping[str, Any]]) -> Verification:
    """Follow the chain from its first row to the end, or to the first row that is wrong.

    Rows are looked at one by one and not kept. What was cut off at the end cannot be seen from
    the rows alone: compare `rows` and `head` with values that were written down elsewhere.
    """
    count, head = 0, GENESIS
    for row in rows:
        if bad := _examine(row, count + 1, head):
            return Verification(False, count, head, bad)
        count, head = count + 1, str(row["hash"])
    return Verification(True, count, head)


def _examine(row: Mapping[str, Any], expected: int, prev_hash: str) -> BadRow | None:
    """What is wrong with the row that stands where row `expected` belongs, behind `prev_hash`."""
    seq = row.get("seq")
    named = seq if isinstance(seq, int) and not isinstance(seq, bool) else expected
    if missing := [field for field in (*FIELDS, "hash") if field not in row]:
        return BadRow(named, f"the row has no {', '.join(missing)}")
    try:
        computed = row_hash(row)
    except ValueError as error:
        return BadRow(named, f"the row cannot be hashed: {error}")
    if row["hash"] != computed:
        return BadRow(
            named, f"its content hashes to {computed}, but it says {row['hash']}: it was changed"
        )
    if seq != expected:
        return BadRow(expected, f"the row is missing: the one in its place is row {seq}")
    if row["prev_hash"] != prev_hash:
        return BadRow(
            named,
            f"it follows {row['prev_hash']}, but the hash of the row before it is {prev_hash}: "
            f"one of the two was replaced",
        )
    return None
