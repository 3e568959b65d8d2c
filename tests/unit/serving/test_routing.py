"""Weights hold, and who has been answered by a growing variant stays with it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perennial.contracts.serving import WHOLE, Deployment, Variant
from serving.routing import Router
from tests import samples

KEYS = [f"customer-{number}".encode() for number in range(20_000)]


def deployment(**weights: int) -> Deployment:
    variants = tuple(
        Variant(name=name, version=number, onnx=samples.blob(name), weight=weight)
        for number, (name, weight) in enumerate(weights.items(), 1)
    )
    return Deployment(model="flights", environment="production", epoch=1, variants=variants)


def canary(share: int) -> Router:
    return Router(deployment(challenger=share, champion=WHOLE - 2 * share, control=share))


def test_requests_are_divided_by_the_weights() -> None:
    router = Router(deployment(challenger=1000, control=1000, champion=8000))
    for keys in (KEYS, [None] * len(KEYS)):
        found = Counter(router.choose(key).name for key in keys)
        for name, share in {"challenger": 0.1, "control": 0.1, "champion": 0.8}.items():
            assert found[name] / len(keys) == pytest.approx(share, abs=0.01)


@given(
    st.lists(st.integers(0, WHOLE // 2), min_size=2, max_size=6, unique=True).map(sorted),
    st.binary(max_size=40),
)
def test_whom_a_growing_challenger_or_control_has_it_keeps(shares: list[int], key: bytes) -> None:
    names = [canary(share).choose(key).name for share in shares]
    settled = names.index(found) if (found := names[-1]) != "champion" else len(names)
    assert names == ["champion"] * settled + names[settled:]
    assert len(set(names[settled:])) <= 1


def test_two_models_divide_their_entities_otherwise() -> None:
    one = deployment(challenger=5000, champion=5000)
    other = one.model_copy(update={"model": "digits"})
    routers = Router(one), Router(other)
    same = sum(routers[0].choose(key).name == routers[1].choose(key).name for key in KEYS)
    assert same / len(KEYS) == pytest.approx(0.5, abs=0.02)


def test_a_tester_is_given_the_variant_that_is_named() -> None:
    router = Router(deployment(champion=WHOLE, challenger=0))
    found = router.named("challenger")
    assert found and found.version == 2
    assert router.named("nobody") is None
    assert {router.choose(key).name for key in KEYS} == {"champion"}


@pytest.mark.parametrize(
    ("weights", "said"),
    [({"champion": 9999}, "add up to 9999"), ({"champion": 6000, "challenger": 6000}, "12000")],
)
def test_weights_that_do_not_add_up_are_refused(weights: dict[str, int], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        deployment(**weights)
