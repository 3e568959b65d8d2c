"""What tests of the data plane share."""

from __future__ import annotations

import pytest

from tests.e2e.test_bad_input import spec_of
from tests.people import People, good_rows, write_points


@pytest.fixture(scope="session")
def promoted(people: People, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model whose version 1 is champion of production; of trees, which serve as networks do."""
    data = write_points(tmp_path_factory.mktemp("data"), good_rows(1000))
    spec = spec_of(data, "Boosted", environments=["production"])
    people.apply(spec)
    run = people.run(spec["model"])
    assert run["outcome"] == "promoted", run["reason"]
    model: str = spec["model"]
    return model
