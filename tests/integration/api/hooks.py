"""What schemathesis cannot know from the document."""

from __future__ import annotations

import base64

import schemathesis
from hypothesis import strategies as st


def _cursor(key: str) -> str:
    return base64.urlsafe_b64encode(f'["{key}"]'.encode()).decode().rstrip("=")


# cursors are opaque; lists of one text key take these, the others refuse them
schemathesis.openapi.format("cursor", st.sampled_from("abc").map(_cursor))
