"""What the labels of a classification show: classes that are rare, and where labels disagree."""

from __future__ import annotations

from collections.abc import Iterator

from activities.modelling.data.parted import Parted
from activities.modelling.validation.violations import Broken, violation
from perennial.authoring import Features
from perennial.contracts.data import Violation

_RARE = 0.01


def warnings(
    rows: Parted, features: Features, counts: dict[str, int], contradicting: Broken
) -> Iterator[Violation]:
    """What people should know of the labels.

    Args:
        rows: all of them.
        features: whose key names them.
        counts: rows of each class.
        contradicting: rows whose label is not that of most with the same inputs.
    """
    rare = {name: count for name, count in counts.items() if count < _RARE * rows.count}
    if rare:
        told = ", ".join(f"{name} ({count:,})" for name, count in rare.items())
        yield Violation(
            check="class_balance",
            column=features.target,
            count=sum(rare.values()),
            message=f"{features.target} has classes with less than 1 % of the rows: {told}",
        )
    if contradicting.count:
        what = "contradicts rows with the same inputs"
        yield violation("label_noise", features.target, contradicting, what, rows, features)
