"""The modules that keep requests and take them apart: by C, if it was built here, and by Python."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from serving import plain_pieces, plain_records

RECORDS = [pytest.param(plain_records, id="by Python")]
PIECES = [pytest.param(plain_pieces, id="by Python")]
if find_spec("serving._records"):
    from serving import _records

    RECORDS.append(pytest.param(_records, id="by C"))
if find_spec("serving._pieces"):
    from serving import _pieces

    PIECES.append(pytest.param(_pieces, id="by C"))
