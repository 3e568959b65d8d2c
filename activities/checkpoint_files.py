"""Checkpoints of trainings as files beside the blobs, each whole or known not to be."""

from __future__ import annotations

import hashlib
import uuid

from perennial.blobs import BlobCorrupt
from perennial.contracts.base import Contract
from perennial.contracts.errors import Unavailable
from perennial.contracts.training import Epoch
from perennial.storage import filesystem

FOLDER = ".trainings"
"""Beside the blobs: what trainings need until they have ended, a folder for each run."""
_KEPT = 2
_WHOLE = ".checkpoint"


class Reached(Contract):
    """How far a training had come: after which epoch, how the epochs went, and what they took."""

    epoch: int
    epochs: tuple[Epoch, ...]
    seconds: float


class CheckpointFiles:
    """The checkpoints of one training under a blob URL, the two newest of them.

    A name holds the epoch and the SHA-256 of the bytes: one that was cut short, or has changed, is
    found out when it is read.
    """

    def __init__(self, blob_url: str, run_id: str, key: str) -> None:
        """Touch nothing yet.

        Args:
            blob_url: an fsspec URL that every node of the cluster can reach.
            run_id: whose training it is.
            key: a digest of all that the training follows from. What was kept under another key
                is never seen.
        """
        self._fs, root = filesystem(blob_url.rstrip("/"))
        self.folder = f"{root}/{FOLDER}/{run_id}/{key}"

    def newest(self) -> str | None:
        """The name of the newest one that is valid. Those found to be broken are deleted.

        Raises:
            Unavailable: the store did not answer.
        """
        for name in sorted(self._names(), reverse=True):
            if name.endswith(_WHOLE):
                try:
                    self.read(name)
                except BlobCorrupt:
                    self._delete([name])
                else:
                    return name
        return None

    def read(self, name: str) -> bytes:
        """The bytes of one, verified.

        Raises:
            BlobCorrupt: they do not hash to what its name says.
            Unavailable: the store did not answer.
        """
        try:
            data: bytes = self._fs.cat_file(f"{self.folder}/{name}")
        except OSError as error:
            raise Unavailable(
                f"checkpoint {name[:24]} could not be read from {self.folder}: {error}"
            ) from error
        if hashlib.sha256(data).hexdigest() != name.removesuffix(_WHOLE).rpartition("-")[2]:
            raise BlobCorrupt(f"checkpoint {name[:24]} in {self.folder} is not what was written")
        return data

    def keep(self, epoch: int, data: bytes) -> None:
        """Keep one, and delete all but the two newest.

        Raises:
            Unavailable: it could not be written.
        """
        name = f"{epoch:08d}-{hashlib.sha256(data).hexdigest()}{_WHOLE}"
        partial = f"{self.folder}/{uuid.uuid4().hex}.partial"
        try:
            self._fs.makedirs(self.folder, exist_ok=True)
            # a name of its own until it is whole: killed meanwhile, it is no checkpoint
            with self._fs.open(partial, "wb") as file:
                file.write(data)
            self._fs.mv(partial, f"{self.folder}/{name}")
            names = self._names()
            kept = sorted(name for name in names if name.endswith(_WHOLE))[-_KEPT:]
            self._delete([name for name in names if name not in kept])
        except OSError as error:
            raise Unavailable(
                f"the checkpoint of epoch {epoch} could not be kept in {self.folder}: {error}"
            ) from error

    def _names(self) -> list[str]:
        try:
            found = self._fs.ls(self.folder, detail=False)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(
                f"checkpoints in {self.folder} could not be listed: {error}"
            ) from error
        return [path.rpartition("/")[2] for path in found]

    def _delete(self, names: list[str]) -> None:
        for name in names:
            self._fs.rm_file(f"{self.folder}/{name}")


def remove_files(blob_url: str, run_id: str) -> None:
    """Delete all that the training of a run has kept; what is gone already is no error."""
    fs, root = filesystem(blob_url.rstrip("/"))
    folder = f"{root}/{FOLDER}/{run_id}"
    try:
        fs.rm(folder, recursive=True)
    except FileNotFoundError:
        return
