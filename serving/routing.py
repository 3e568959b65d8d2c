"""Who answers a request: variants with weights, the same one for the same entity."""

from __future__ import annotations

import random
from bisect import bisect_right
from hashlib import blake2b
from itertools import accumulate
from typing import NamedTuple

from perennial.contracts.serving import CONTROL, WHOLE, Deployment, Variant


class Copies(NamedTuple):
    """Who answers copies of the champion's requests, and as whom the champion's are counted."""

    challenger: Variant
    control: Variant


class Router:
    """Where each entity belongs in one deployment.

    An entity has a place on a line, by its key and the model alone. Variants take stretches of the
    line in their order. With the champion in the middle a challenger that grows keeps everybody
    whom it had, and so does its control.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.header = (deployment.entity or "").lower().encode()
        """That tells the entity."""
        self._hash = blake2b(digest_size=8, key=deployment.model.encode()[:64])
        self._variants = deployment.variants
        self._ends = list(accumulate(variant.weight for variant in deployment.variants))
        self._by_name = {variant.name: variant for variant in deployment.variants}
        shadows = [variant for variant in deployment.variants if variant.shadow]
        self.copies = Copies(shadows[0], self._by_name[CONTROL]) if shadows else None

    def choose(self, key: bytes | None) -> Variant:
        """The variant for an entity; for none, one by the weights."""
        if key is None:
            place = int(random.random() * WHOLE)
        else:
            mine = self._hash.copy()  # which has taken the model's name in already
            mine.update(key)
            place = int.from_bytes(mine.digest()) * WHOLE >> 64
        return self._variants[bisect_right(self._ends, place)]

    def named(self, name: str) -> Variant | None:
        """The variant that a tester asks for."""
        return self._by_name.get(name)
