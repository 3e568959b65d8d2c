"""A slow training that tells which epochs it trained, and in which process."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from activities.checkpoint_files import FOLDER
from perennial.contracts.errors import ClusterUnavailable
from perennial.contracts.training import TrainModel
from tests.integration.ml.attempts import Attempt, until
from tests.integration.ml.conftest import Place

EPOCHS = 20


class Watched:
    """A training of `Slow`, its checkpoints, and which epochs which process has trained."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place = place
        self.log, self.hurry = folder / "log", folder / "hurry"
        self.asked: TrainModel

    async def ask(self, dropout: float = 0.2, **plan: Any) -> None:
        params = {"log": str(self.log), "hurry": str(self.hurry), "pace": 0.6, "dropout": dropout}
        self.asked = await self.place.ask(
            "Slow", epochs=EPOCHS, batch_size=20, seed=3, params=params, **plan
        )

    @property
    def folder(self) -> Path:
        return Path(self.place.blobs.url.removeprefix("file://")) / FOLDER / self.asked.run_id

    def checkpoints(self) -> dict[int, Path]:
        return {int(path.name[:8]): path for path in sorted(self.folder.glob("*/*.checkpoint"))}

    def trained(self) -> list[tuple[int, int]]:
        """Epochs, and the process each was trained in."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(int(epoch), int(pid)) for epoch, pid in map(str.split, lines)]

    def trained_by(self, pid: int) -> list[int]:
        return [epoch for epoch, by in self.trained() if by == pid]

    async def killed_after(self, attempt: Attempt, epoch: int) -> int:
        """Kill the process once it has kept two checkpoints of later epochs; its id."""
        await until(lambda: sum(each > epoch for each in self.checkpoints()) == 2)
        pid = self.trained()[-1][1]
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ClusterUnavailable, match="goes on from the newest checkpoint"):
            await attempt.task
        return pid
