"""The content-addressed store: a blob's name is its SHA-256, so nothing is ever overwritten."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import uuid
from pathlib import Path

from perennial.contracts.base import BlobRef
from perennial.contracts.errors import Final, Unavailable
from perennial.storage import filesystem

_CHUNK = 1 << 20


class BlobCorrupt(Final):
    """A blob does not hash to its name."""


class BlobStore:
    """Blobs under an fsspec URL (a folder, S3, GCS, Azure)."""

    def __init__(self, url: str, cache: Path | None = None) -> None:
        self.url = url.rstrip("/")
        self._fs, self._root = filesystem(self.url)
        self._local = "file" in self._fs.protocol
        self._cache = cache or Path(tempfile.gettempdir()) / f"perennial-blobs-{os.getuid()}"

    def put(self, path: Path, *, consume: bool = False) -> BlobRef:
        """Keep a file. Putting the same bytes twice keeps one blob.

        Args:
            path: of the file.
            consume: nobody needs it afterwards, so that it may be moved.
        """
        sha256, size = _hash(path)
        target = self._path(sha256)
        ref = BlobRef(uri=self._fs.unstrip_protocol(target), sha256=sha256, size=size)
        try:
            if not self._fs.exists(target):
                self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
                # a name of its own until it is whole: a reader never sees half a blob
                partial = f"{target}.{uuid.uuid4().hex}"
                try:
                    if consume and self._local:
                        shutil.move(path, partial)
                    else:
                        self._fs.put_file(str(path), partial)
                    self._fs.mv(partial, target)
                except OSError:
                    with contextlib.suppress(OSError):  # half a blob takes room, and is no use
                        self._fs.rm_file(partial)
                    raise
        except OSError as error:
            raise Unavailable(
                f"blob {sha256[:12]} could not be kept at {self.url}: {error}; "
                f"check that the store can be reached and has room"
            ) from error
        return ref

    def put_bytes(self, data: bytes) -> BlobRef:
        """Keep bytes."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return self.put(Path(file.name))

    def get(self, ref: BlobRef) -> Path:
        """A local file with the blob's bytes, verified.

        Raises:
            BlobCorrupt: the bytes do not hash to the blob's name.
            Unavailable: the store did not answer.
        """
        source = self._path(ref.sha256)
        if self._local:
            path = Path(source)
        else:
            path = self._cache / ref.sha256
            if not path.exists():
                self._cache.mkdir(parents=True, exist_ok=True, mode=0o700)
                partial = path.with_suffix(f".{uuid.uuid4().hex}")
                try:
                    self._fs.get_file(source, str(partial))
                    partial.rename(path)
                except FileNotFoundError:
                    pass  # the store has answered: waiting brings nothing back
                except OSError as error:
                    raise Unavailable(
                        f"blob {ref.sha256[:12]} could not be read from {self.url}: {error}"
                    ) from error
                finally:
                    partial.unlink(missing_ok=True)
        if not path.exists():
            raise BlobCorrupt(
                f"blob {ref.sha256[:12]} is not in {self.url}; restore it from a backup"
            )
        found, _ = _hash(path)
        if found != ref.sha256:
            if not self._local:
                path.unlink(missing_ok=True)  # a copy of what is wrong would outlive its repair
            raise BlobCorrupt(
                f"blob {ref.sha256[:12]} in {self.url} hashes to {found[:12]}: its bytes have "
                f"changed; restore it from a backup"
            )
        return path

    def get_bytes(self, ref: BlobRef) -> bytes:
        """The blob's bytes, verified."""
        return self.get(ref).read_bytes()

    def remove(self, ref: BlobRef) -> int:
        """Remove a blob that nobody refers to any more. Removing it twice removes it once.

        Returns:
            The bytes that are free now; 0 where it was not there.

        Raises:
            Unavailable: the store did not answer.
        """
        try:
            path = self._path(ref.sha256)
            self._fs.info(path)  # S3 removes what is not there without a word
            self._fs.rm_file(path)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise Unavailable(
                f"blob {ref.sha256[:12]} could not be removed from {self.url}: {error}; "
                f"check that the store can be reached and written"
            ) from error
        (self._cache / ref.sha256).unlink(missing_ok=True)
        return ref.size

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"


def _hash(path: Path) -> tuple[str, int]:
    hasher, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
            size += len(chunk)
    return hasher.hexdigest(), size
