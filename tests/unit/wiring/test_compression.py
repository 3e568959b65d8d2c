"""What goes to this machine is not packed."""

from __future__ import annotations

import pytest
from temporalio.service import GrpcCompression

from perennial.temporal import compression


@pytest.mark.parametrize("address", ["127.0.0.1:7233", "localhost:7233", "[::1]:7233"])
def test_none_on_loopback(address: str) -> None:
    assert compression(address) is GrpcCompression.NONE


@pytest.mark.parametrize("address", ["temporal.example.org:7233", "10.0.0.5:7233", "temporal"])
def test_gzip_over_a_network(address: str) -> None:
    assert compression(address) is GrpcCompression.GZIP
