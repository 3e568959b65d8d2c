"""Requests on their way to where they are written: a page for each variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from perennial.contracts.serving import Deployment, Variant
from serving.columns import Input

if TYPE_CHECKING:
    from serving.records import Records


class Whose(NamedTuple):
    """What all requests of a page have in common.

    Attributes:
        deployment: by which they were answered.
        variant: that did.
        copy: whether they were answered for nobody.
        inputs: of the variant's model.
        classes: of its answers; none of a regression.
    """

    deployment: Deployment
    variant: Variant
    copy: bool
    inputs: tuple[Input, ...]
    classes: tuple[str, ...]


class Page:
    """Requests of one variant, all answered or all failed.

    Attributes:
        of: what all have in common.
        number: of the area they stand in.
        memory: that area's.
        rows: of all requests.
        starts: of each request in the memory, uint32.
        sizes: of each in bytes, uint32.
    """

    memory: memoryview

    def __init__(self, of: Whose, records: Records) -> None:
        """All that was kept so far."""
        self.of = of
        self.number = records.area.number
        self.memory = records.area.memory
        self.rows = records.rows
        self.starts = records.starts
        self.sizes = records.sizes

    def __getstate__(self) -> dict[str, Any]:
        """All but the memory, which whoever writes sees too."""
        return {name: value for name, value in vars(self).items() if name != "memory"}
