"""The modules that keep requests: by C, if it was built here, and by Python."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from serving import plain_records

KINDS = [pytest.param(plain_records, id="by Python")]
if find_spec("serving._records"):
    from serving import _records

    KINDS.append(pytest.param(_records, id="by C"))
