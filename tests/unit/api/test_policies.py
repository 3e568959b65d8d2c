"""Which models want to be trained again under a new policy."""

from __future__ import annotations

from api.policies import wishes
from api.schemas.policies import PolicyChecked
from api.schemas.runs import Flip
from tests.samples import at
from tests.unit.cli.documents import flipped, judgement


def flip(model: str, outcome: str, environment: str = "production") -> Flip:
    return Flip.model_validate(
        flipped(
            model=model,
            environment=environment,
            stored=judgement("allow"),
            now=judgement(outcome, reasons=["200 rows are too few"]),
        )
    )


def test_a_model_that_is_denied_somewhere_wants_it_once() -> None:
    found = PolicyChecked(
        policy_digest="b" * 64,
        asked=4,
        unasked=0,
        flipped=[
            flip("flights", "deny"),
            flip("flights", "deny", "staging"),
            flip("digits", "needs_approval"),
            flip("tides", "error"),
        ],
    )
    wanted = wishes(found, "admin", at())
    assert list(wanted) == ["flights"], "no training gets an approval, nor mends a policy"
    wish = wanted["flights"]
    assert (wish.cause, wish.actor, wish.snapshot) == ("policy", "admin", "b" * 64)
    assert wish.request_id == f"policy/{'b' * 64}"
    assert wish.reason == (
        "policy bbbbbbbbbbbb denies version 3 in production: 200 rows are too few; "
        "policy bbbbbbbbbbbb denies version 3 in staging: 200 rows are too few"
    )
