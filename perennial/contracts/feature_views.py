"""Columns that a feature store adds to a source's rows, as they were at each row's time."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from perennial.contracts.base import Contract, Sha256
from perennial.contracts.spec_part import SpecPart

Reference = Annotated[
    str, Field(pattern=r"^[^:\s]+:[^:\s]+$", description="view:feature", examples=["buyer:orders"])
]


class FeatureViews(SpecPart):
    """Which features of a Feast repository are joined to the rows of a source."""

    repo: str = Field(
        min_length=1,
        description="the folder with feature_store.yaml, as the workers see it",
        examples=["features"],
    )
    service: str | None = Field(
        default=None, min_length=1, description="a feature service; else name features"
    )
    features: tuple[Reference, ...] = Field(
        default=(), description="features by their views, each as view:feature"
    )
    time: str = Field(
        min_length=1,
        description="the column of the source's rows that says as of when features are taken; a "
        "time without a zone is UTC",
    )
    full_names: bool = Field(
        default=False, description="call the columns view__feature instead of feature"
    )

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if (self.service is None) == (not self.features):
            raise ValueError("feature_views needs either service or features")
        seen: dict[str, str] = {}
        for reference in self.features:
            name = reference if self.full_names else reference.partition(":")[2]
            if name in seen:
                raise ValueError(
                    f"{seen[name]!r} and {reference!r} would be one column"
                    + ("" if self.full_names else "; set full_names, or leave one out")
                )
            seen[name] = reference
        return self


class JoinedView(Contract):
    """A feature view whose features are in a snapshot.

    Attributes:
        name: as the registry, or the feature service, calls it.
        digest: of its definition in the registry, with the name and keys it is joined by.
        features: those that were joined, by their names in the view.
    """

    name: str
    digest: Sha256
    features: tuple[str, ...]
