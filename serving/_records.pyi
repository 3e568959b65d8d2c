from collections.abc import Mapping
from mmap import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.answering import Turn

class Area:
    """Memory in which requests stand one behind the other until they are written.

    Attributes:
        memory: all of it.
        size: of it in bytes.
        number: which one of those that were made together.
        used: bytes of it so far.
    """

    def __init__(self, memory: memoryview | mmap | bytearray, number: int = 0) -> None: ...
    @property
    def memory(self) -> memoryview: ...
    @property
    def size(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def used(self) -> int: ...
    def clear(self) -> None:
        """Begin anew; what stood there has been written."""

class Records:
    """Requests of one variant, all answered or all failed, in an area that is shared with others.

    Attributes:
        area: they stand in.
        rows: of all requests.
        until: whose callers tell of a moment before it need nothing else; in seconds since 1970.
        starts: of each request in the area, uint32.
        sizes: of each in bytes, uint32.
    """

    until: float

    def __init__(self, area: Area, ahead: float = 0.0) -> None:
        """None yet.

        Args:
            area: they will stand in.
            ahead: seconds that the wall clock is ahead of the monotonic one.
        """

    @property
    def area(self) -> Area: ...
    @property
    def rows(self) -> int: ...
    @property
    def starts(self) -> bytes: ...
    @property
    def sizes(self) -> bytes: ...
    def take(
        self,
        turn: Turn,
        seconds: float,
        inputs: Mapping[str, NDArray[Any]],
        answer: NDArray[np.float32],
        /,
    ) -> bool:
        """Keep a request, if there is nothing else to do for it.

        Args:
            turn: the request's.
            seconds: until it was answered.
            inputs: by name, `[rows, columns]`, float32 or text, in the order of the model's.
            answer: `[rows, classes]` or `[rows, 1]`.

        Returns:
            False, and nothing is kept, where its caller tells of a moment that is not before
            `until`, or the area has no room for it.
        """

    def keep(
        self,
        at: float,
        seconds: float,
        named: bool,
        request_id: bytes,
        entity: bytes | None,
        inputs: Mapping[str, NDArray[Any]],
        answer: NDArray[np.float32] | None,
    ) -> bool:
        """Keep a request; False where the area has no room for it.

        Args:
            at: seconds since 1970.
            seconds: until it was answered; of a copy, that it was computed.
            named: whether the caller asked for the variant.
            request_id: as the caller got it back.
            entity: whose value decided who answers; None where there is none.
            inputs: by name, `[rows, columns]`, float32 or text, in the order of the model's.
            answer: `[rows, classes]` or `[rows, 1]`; None where the variant failed.
        """
