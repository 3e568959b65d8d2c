from __future__ import annotations

from typing import Any

import pytest

from perennial.analysis.reproducing import changed, judged
from perennial.contracts.reproduction import WeightsCompared
from perennial.contracts.training import CodeIdentity, Installed
from tests.samples import trained

LIBRARIES = {"torch": "2.13.0", "numpy": "2.4.6"}


def code(libraries: dict[str, str] = LIBRARIES, digest: str = "d", **other: Any) -> CodeIdentity:
    installed = Installed(
        python="3.11.2", machine="Linux x86_64", libraries=libraries, digest=digest * 64
    )
    known = {
        "project": "own:Own",
        "source_digest": "a" * 64,
        "git_commit": "1" * 40,
        "dirty": False,
        "lock_digest": "b" * 64,
        "platform_digest": "c" * 64,
        "installed": installed,
    }
    return CodeIdentity.model_validate(known | other)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (code(), []),
        (
            code(source_digest="e" * 64, dirty=True),
            [
                "the project's code: aaaaaaaaaaaa (commit 111111111111) then, "
                "eeeeeeeeeeee (commit 111111111111 with changes) now"
            ],
        ),
        (code(git_commit="2" * 40), []),  # other files of the repository: these are the same
        (code(platform_digest="e" * 64), ["the platform's code: cccccccccccc then, eeee"]),
        (code(lock_digest="e" * 64), ["the environment's lock: bbbbbbbbbbbb then, eeee"]),
        (code(lock_digest=None, platform_digest=None, installed=None), []),  # unknown
        (
            code({"torch": "2.14.0"}, digest="e"),
            ["numpy: 2.4.6 then, not installed now", "torch: 2.13.0 then, 2.14.0 now"],
        ),
        (code(digest="e"), ["packages that do not compute: dddddddddddd then, eeee"]),
    ],
)
def test_what_changed_is_named_with_then_and_now(now: CodeIdentity, told: list[str]) -> None:
    found = [str(change) for change in changed(code(), now)]
    assert len(found) == len(told)
    for said, wanted in zip(found, told, strict=True):
        assert said.startswith(wanted)


def verdict(
    metrics: dict[str, float],
    weights: WeightsCompared,
    tolerance: float = 0.001,
    now: CodeIdentity | None = None,
    device: str = "cpu",
) -> tuple[str, str]:
    then = trained().model_copy(update={"code": code()})
    again = trained().model_copy(update={"code": now or code(), "device": device})
    recorded = {"roc_auc": 0.71, "mse": 400.0}
    found = judged(3, then, again, recorded, metrics, weights, tolerance)
    return found.verdict, found.reason


SAME = WeightsCompared(identical=True, kind="network", max_abs_diff=0.0)
NEAR = WeightsCompared(identical=False, kind="network", max_abs_diff=2e-7)


@pytest.mark.parametrize(
    ("metrics", "weights", "tolerance", "expected", "said"),
    [
        ({"roc_auc": 0.71, "mse": 400.0}, SAME, 0.0, "reproduced", "to the last bit"),
        ({"roc_auc": 0.71, "mse": 400.0}, NEAR, 0.0, "differs", "further off than 2.0e-07"),
        ({"roc_auc": 0.7105, "mse": 400.3}, NEAR, 0.001, "reproduced", "2 metrics within 0.001"),
        ({"roc_auc": 0.7105, "mse": 400.5}, NEAR, 0.001, "differs", "mse is 400.5 instead of 400"),
        ({"roc_auc": 0.712, "mse": 400.0}, NEAR, 0.001, "differs", "roc_auc is 0.712 instead of"),
        ({"mse": 400.0}, SAME, 0.001, "differs", "roc_auc is not measured instead of 0.71, alth"),
        ({"roc_auc": float("nan"), "mse": 400.0}, SAME, 1.0, "differs", "roc_auc is nan instead"),
    ],
)
def test_the_metrics_decide_and_at_zero_the_weights(
    metrics: dict[str, float],
    weights: WeightsCompared,
    tolerance: float,
    expected: str,
    said: str,
) -> None:
    found, reason = verdict(metrics, weights, tolerance)
    assert found == expected
    assert reason.startswith("version 3 ") and said in reason


def test_a_difference_is_explained_by_what_changed_or_by_the_training_itself() -> None:
    off = {"roc_auc": 0.6, "mse": 400.0}
    _, reason = verdict(off, NEAR, now=code({**LIBRARIES, "torch": "2.14.0"}), device="cuda")
    assert reason.endswith(
        "changed since: torch: 2.13.0 then, 2.14.0 now, the device: cpu then, cuda now"
    )
    _, reason = verdict(off, NEAR)
    assert "does not follow from its seed" in reason
