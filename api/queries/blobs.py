"""Documents that rows refer to and that are kept as blobs."""

from __future__ import annotations

import json

from api.schemas.base import Json
from perennial.blobs import BlobCorrupt, BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.errors import Unavailable


def read_json(blobs: BlobStore, ref: Json | None) -> Json | None:
    """What is kept there. What the store has lost is no reason to show nothing else."""
    if ref is None:
        return None
    try:
        found: Json = json.loads(blobs.get_bytes(BlobRef.model_validate(ref)))
    except (BlobCorrupt, Unavailable, ValueError):
        return None
    return found
