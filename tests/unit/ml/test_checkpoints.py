"""A training whose process dies and one that nothing happens to end alike."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from activities.checkpoint_files import CheckpointFiles, Reached, remove_files
from activities.modelling.models import candidates
from activities.modelling.projects import load_project
from activities.modelling.training import checkpoints
from activities.modelling.training.checkpoints import Checkpoints
from activities.modelling.training.loop import Loop, prepare
from activities.training_key import key_of
from perennial.blobs import BlobStore
from perennial.contracts.errors import ProjectInvalid
from perennial.contracts.spec import EarlyStopping, Training
from perennial.contracts.training import Epoch, TrainModel
from tests import samples
from tests.unit.ml.conftest import Write
from tests.unit.ml.making import NOTHING

PLATFORMS_LOOP = """
class Own(Base):
    def build(self, shape, params):
        net = Net(shape)
        width = net.out.in_features
        net.out = nn.Sequential(
            nn.Linear(width, 8), nn.BatchNorm1d(8), nn.Dropout(0.4), nn.Linear(8, shape.outputs)
        )
        return net
"""
OWN_LOOP = """
class Own(Base):
    def train(self, context):
        optimizer = torch.optim.SGD(context.model.parameters(), lr=0.1, momentum=0.9)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
        for epoch in context.remaining(optimizer=optimizer, schedule=schedule):
            for batch in context.batches():
                optimizer.zero_grad()
                loss = context.loss(context.model(*batch.inputs), batch.target)
                loss.backward()
                optimizer.step()
            context.report(epoch, loss.item(), rate=schedule.get_last_lr()[0])
            schedule.step()
"""
COUNTING_LOOP = OWN_LOOP.replace(
    "context.remaining(optimizer=optimizer, schedule=schedule)", "range(1, context.epochs + 1)"
)


class Died(BaseException):
    """As a killed process, seen from inside."""


@dataclass
class Process:
    """One process of a training: it ends by itself, or dies in the midst of an epoch."""

    name: str
    plan: Training
    files: CheckpointFiles
    told: list[Epoch] = field(default_factory=list)
    resumed: list[Reached] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    best: int | None = None

    def train(self, blobs: BlobStore, dies_in: int | None = None) -> str:
        """The digest of its weights."""
        project = load_project(self.name)
        prepared = prepare(project.own.load(NOTHING), project, "binary", self.plan)
        network = candidates.build(project, prepared.preprocessing, self.plan)

        def ended(epoch: Epoch) -> None:
            if epoch.epoch == dies_in:
                raise Died
            self.told.append(epoch)

        kept = Checkpoints(
            self.files,
            self.plan.checkpoint_every,
            began=time.monotonic(),
            begin_with=self.files.newest(),
            writes=True,
            resumed=self.resumed.append,
            noted=self.notes.append,
        )
        loop = Loop(
            network,
            prepared,
            "binary",
            self.plan,
            ended=ended,
            stopping=lambda: False,
            checkpoints=kept,
        )
        with project.calling("train"):
            project.own.train(loop)
        self.best = loop.end()
        return candidates.keep_weights(blobs, network).sha256


def plan(**changes: int) -> Training:
    return Training(epochs=6, batch_size=50, seed=3).model_copy(update=changes)


@pytest.fixture
def files(tmp_path: Path) -> CheckpointFiles:
    return CheckpointFiles(f"file://{tmp_path}", "run", "key")


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Epochs of these models are too short for a checkpoint each."""
    monkeypatch.setattr(checkpoints, "_LEAST_SECONDS", 0.0)


def kept(files: CheckpointFiles) -> list[Path]:
    return sorted(Path(files.folder).iterdir())


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("code", [PLATFORMS_LOOP, OWN_LOOP], ids=["the platform's", "one's own"])
def test_a_resumed_training_ends_as_an_undisturbed_one(
    write_project: Write, blobs: BlobStore, files: CheckpointFiles, tmp_path: Path, code: str
) -> None:
    name = write_project(code)
    whole = Process(name, plan(), CheckpointFiles(str(tmp_path), "whole", "key"))
    expected = whole.train(blobs)
    first, second, third = (Process(name, plan(), files) for _ in range(3))
    with pytest.raises(Died):
        first.train(blobs, dies_in=3)
    with pytest.raises(Died):
        second.train(blobs, dies_in=6)
    torch.manual_seed(99)  # no process before this one has drawn as many random numbers
    assert third.train(blobs) == expected
    assert [[epoch.epoch for epoch in p.told] for p in (first, second, third)] == [
        [1, 2],
        [3, 4, 5],
        [6],
    ]
    history = [*third.resumed[0].epochs, *third.told]
    assert [(epoch.epoch, epoch.loss, epoch.metrics) for epoch in history] == [
        (epoch.epoch, epoch.loss, epoch.metrics) for epoch in whole.told
    ]


WORSENS = """
class Own(Base):
    def train(self, context):
        for epoch in context.remaining():
            for parameter in context.model.parameters():
                parameter.data.fill_([0.5, 0.1, 2.0, 3.0, 4.0, 5.0][epoch - 1])
            context.report(epoch, 1.0)
"""


@pytest.mark.usefixtures("always")
def test_the_best_epoch_is_known_after_a_death(
    write_project: Write, blobs: BlobStore, files: CheckpointFiles, tmp_path: Path
) -> None:
    watched = plan().model_copy(update={"early_stopping": EarlyStopping(patience=9)})
    name = write_project(WORSENS)
    whole = Process(name, watched, CheckpointFiles(str(tmp_path), "whole", "key"))
    expected = whole.train(blobs)
    first, second = (Process(name, watched, files) for _ in range(2))
    with pytest.raises(Died):
        first.train(blobs, dies_in=5)
    assert second.train(blobs) == expected
    assert [epoch.epoch for epoch in second.told] == [5, 6]
    assert second.best == whole.best in (1, 2)


@pytest.mark.usefixtures("always")
def test_broken_ones_are_passed_over(
    write_project: Write, blobs: BlobStore, files: CheckpointFiles
) -> None:
    name = write_project()
    with pytest.raises(Died):
        Process(name, plan(), files).train(blobs, dies_in=5)
    three, four = kept(files)
    assert (three.name[:8], four.name[:8]) == ("00000003", "00000004")
    four.write_bytes(four.read_bytes()[:-1])
    half = Path(files.folder) / "1234.partial"
    half.write_bytes(three.read_bytes())
    second = Process(name, plan(), files)
    second.train(blobs)
    assert second.resumed[0].epoch == 3 and [epoch.epoch for epoch in second.told] == [4, 5, 6]
    assert [path.name[:8] for path in kept(files)] == ["00000005", "00000006"]


@pytest.mark.usefixtures("always")
def test_one_is_kept_every_so_many_epochs(
    write_project: Write, blobs: BlobStore, files: CheckpointFiles
) -> None:
    name = write_project()
    with pytest.raises(Died):
        Process(name, plan(checkpoint_every=2), files).train(blobs, dies_in=6)
    assert [path.name[:8] for path in kept(files)] == ["00000002", "00000004"]


def test_epochs_of_a_moment_are_not_kept(
    write_project: Write, blobs: BlobStore, files: CheckpointFiles
) -> None:
    process = Process(write_project(), plan(), files)
    began = time.monotonic()
    process.train(blobs)
    assert len(process.told) == 6
    assert time.monotonic() - began > 1 or not Path(files.folder).exists()


@pytest.mark.usefixtures("always")
def test_a_loop_that_counts_by_itself_starts_anew(
    write_project: Write, blobs: BlobStore, files: CheckpointFiles
) -> None:
    name = write_project(COUNTING_LOOP)
    with pytest.raises(Died):
        Process(name, plan(), files).train(blobs, dies_in=3)
    again = Process(name, plan(), files)
    again.train(blobs)
    assert [epoch.epoch for epoch in again.told] == [1, 2, 3, 4, 5, 6] and not again.resumed


def test_a_state_that_cannot_be_kept_is_said_at_once(
    write_project: Write, blobs: BlobStore, files: CheckpointFiles
) -> None:
    kept_by_hand = OWN_LOOP.replace("schedule=schedule)", "own=Odd())")
    odd = "class Odd:\n    def state_dict(self):\n        return {'path': [object()]}\n"
    process = Process(write_project(odd + kept_by_hand), plan(), files)
    with pytest.raises(ProjectInvalid, match=r"the state of own\.path\[0\] is a object, which no"):
        process.train(blobs)
    assert process.told == []


@pytest.mark.usefixtures("always")
def test_a_store_that_is_away_does_not_end_a_training(
    write_project: Write, blobs: BlobStore, files: CheckpointFiles
) -> None:
    obstacle = Path(files.folder)  # a file where a folder should be
    obstacle.parent.mkdir(parents=True)
    obstacle.touch()
    process = Process(write_project(), plan(), files)

    class Back(list[str]):
        def append(self, note: str) -> None:
            super().append(note)
            if note and len(self) == 2:
                obstacle.unlink()

    process.notes = Back()
    process.train(blobs)
    assert [note[:45] for note in process.notes] == [
        "the checkpoint of epoch 1 could not be kept i",
        "the checkpoint of epoch 2 could not be kept i",
        "",
    ]
    assert len(process.told) == 6 and files.newest() is not None


def test_the_key_is_all_that_a_training_follows_from() -> None:
    asked = TrainModel(
        run_id="run",
        model="flights",
        project="examples.flights.project:FlightDelay",
        task="binary",
        snapshot=samples.snapshot(),
        training=plan(),
    )
    others = [
        asked.model_copy(update={"snapshot": samples.snapshot(name="february")}),
        asked.model_copy(update={"training": plan(batch_size=51)}),
        asked.model_copy(update={"task": "regression"}),
    ]
    keys = {
        key_of(asked, "a" * 64),
        key_of(asked, "b" * 64),
        *(key_of(o, "a" * 64) for o in others),
    }
    assert len(keys) == 5
    assert key_of(asked.model_copy(update={"author": "bob"}), "a" * 64) in keys


def test_all_of_a_run_is_removed(files: CheckpointFiles, tmp_path: Path) -> None:
    files.keep(1, b"one")
    other = CheckpointFiles(str(tmp_path), "another run", "key")
    other.keep(1, b"one")
    for _ in range(2):
        remove_files(f"file://{tmp_path}", "run")
    assert files.newest() is None and other.newest() is not None
