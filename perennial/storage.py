"""File systems by URL, as many processes on many machines need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fsspec

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

fsspec.register_implementation(
    "s3",
    "perennial.storage_s3.S3",
    clobber=True,
    errtxt="S3 needs the package s3fs: install perennial[s3]",
)


def filesystem(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of an fsspec URL, and the path in it.

    What a folder holds is asked for each time: others write there, and remote file systems would
    answer for as long as the process lives with what they were told once.

    Raises:
        ValueError: nothing is known by that protocol.
        ImportError: its library is not installed.
    """
    if "::" in url:  # of a chain, each part would have to be told
        fs, path = fsspec.core.url_to_fs(url)
        fs.invalidate_cache()
        return fs, path
    found: tuple[AbstractFileSystem, str] = fsspec.core.url_to_fs(url, use_listings_cache=False)
    return found
