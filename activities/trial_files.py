"""Trials of a search as files beside the blobs: what was tried is not tried again."""

from __future__ import annotations

import uuid

from pydantic import ValidationError

from activities.checkpoint_files import FOLDER
from perennial.contracts.errors import Unavailable
from perennial.contracts.search import Trial
from perennial.storage import filesystem


class TrialFiles:
    """The trials of one run's search, a file each, named by its number.

    They lie where the checkpoints of the run's training do, and go with them.
    """

    def __init__(self, blob_url: str, run_id: str, key: str) -> None:
        """Touch nothing yet.

        Args:
            blob_url: an fsspec URL that every node of the cluster can reach.
            run_id: whose search it is.
            key: a digest of all that the trials follow from. What was kept under another key is
                never seen.
        """
        self._fs, root = filesystem(blob_url.rstrip("/"))
        self.folder = f"{root}/{FOLDER}/{run_id}/search-{key}"

    def all(self) -> list[Trial]:
        """Those that were kept, by number. Raises Unavailable."""
        try:
            names = self._fs.ls(self.folder, detail=False)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"trials in {self.folder} could not be listed: {error}") from error
        found = (self._read(name) for name in names if name.endswith(".json"))
        return sorted((trial for trial in found if trial), key=lambda trial: trial.number)

    def find(self, number: int) -> Trial | None:
        """One of them, if it was kept. Raises Unavailable."""
        return self._read(self._path(number))

    def keep(self, trial: Trial) -> None:
        """Keep one, in place of what was kept of it before. Raises Unavailable."""
        partial = f"{self.folder}/{uuid.uuid4().hex}.partial"
        try:
            self._fs.makedirs(self.folder, exist_ok=True)
            with self._fs.open(partial, "wb") as file:
                file.write(trial.model_dump_json().encode())
            self._fs.mv(partial, self._path(trial.number))
        except OSError as error:
            raise Unavailable(
                f"trial {trial.number} could not be kept in {self.folder}: {error}"
            ) from error

    def _path(self, number: int) -> str:
        return f"{self.folder}/{number:05d}.json"

    def _read(self, path: str) -> Trial | None:
        try:
            return Trial.model_validate_json(self._fs.cat_file(path))
        except (FileNotFoundError, ValidationError):
            return None  # one that is broken is tried again
        except OSError as error:
            raise Unavailable(f"{path} could not be read: {error}") from error
