"""Amazon's S3, and what speaks as it does. Loaded where a URL begins with `s3://` only."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected
from s3fs import S3FileSystem


class S3(S3FileSystem):  # type: ignore[misc]  # no types
    """s3fs, whose store that is away is a ConnectionError, as with every other file system.

    Where it is and who asks, it finds as Amazon's own programs do: `AWS_ENDPOINT_URL`,
    `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, a profile, or the role of a machine or pod.
    """

    async def _call_s3(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._call_s3(*args, **kwargs)
        except (HTTPClientError, NotConnected) as error:
            raise ConnectionError(f"S3 did not answer: {error}") from error
        except BotoCoreError as error:  # no credentials, or a name that none can have
            raise PermissionError(f"S3 could not be asked: {error}") from error

    async def _mkdir(self, path: str, *args: Any, **kwargs: Any) -> None:
        """Nothing: folders are parts of names, and no bucket is to be made by a mistyped URL."""
