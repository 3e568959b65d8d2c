import numpy as np
from numpy.typing import NDArray

def joined(memory: memoryview, places: NDArray[np.int64], sizes: NDArray[np.int64], /) -> bytes:
    """Pieces of memory, one behind the other.

    Args:
        memory: all of it.
        places: where each piece begins.
        sizes: of each in bytes.

    Raises:
        ValueError: one does not lie within the memory.
    """

def transposed(
    memory: memoryview, places: NDArray[np.int64], rows: NDArray[np.int32], width: int, /
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Column by column what lies row by row in each request.

    Args:
        memory: of all requests.
        places: where the numbers of each begin, in bytes.
        rows: of each.
        width: columns, float32.

    Returns:
        The numbers, `[width, rows]`; and of each column whether it holds NaN.

    Raises:
        ValueError: a request does not lie within the memory.
    """
