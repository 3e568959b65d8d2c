"""Training itself: reproducible, stoppable, and quick to say that it diverges."""

from __future__ import annotations

import pytest
import torch

from activities.modelling.models import candidates
from activities.modelling.projects import load_project
from activities.modelling.training.loop import Loop, Share, Stopped, prepare
from perennial.blobs import BlobStore
from perennial.contracts.errors import ProjectInvalid, TrainingDiverged
from perennial.contracts.spec import Training
from perennial.contracts.training import Epoch
from tests.unit.ml.conftest import Write
from tests.unit.ml.making import NOTHING, fit

OWN_LOOP = """
class Own(Base):
    def train(self, context):
        optimizer = torch.optim.SGD(context.model.parameters(), lr=context.learning_rate)
        for epoch in range(1, context.epochs + 1):
            for batch in context.batches():
                optimizer.zero_grad()
                loss = context.loss(context.model(*batch.inputs), batch.target)
                loss.backward()
                optimizer.step()
            context.report(epoch, loss.item(), rate=context.learning_rate)
"""


def test_the_same_seed_gives_the_same_weights(write_project: Write, blobs: BlobStore) -> None:
    name = write_project()
    first, again, other = (
        candidates.keep_weights(blobs, fit(name, training=Training(epochs=2, seed=s)).network)
        for s in (4, 4, 5)
    )
    assert first.sha256 == again.sha256 != other.sha256


def test_weights_come_back_as_they_were(write_project: Write, blobs: BlobStore) -> None:
    fitted = fit(write_project())
    kept = candidates.keep_weights(blobs, fitted.network)
    fresh = candidates.build(fitted.project, fitted.preprocessing, Training(seed=99))
    candidates.read_weights(blobs, kept, fresh)
    expected = candidates.scores(fitted.network, fitted.preprocessing, fitted.frame)
    found = candidates.scores(fresh, fitted.preprocessing, fitted.frame)
    assert (expected == found).all()


def test_the_loss_falls(write_project: Write) -> None:
    fitted = fit(write_project(), training=Training(epochs=8, batch_size=32, learning_rate=0.02))
    assert [epoch.epoch for epoch in fitted.epochs] == list(range(1, 9))
    assert fitted.epochs[-1].loss < 0.7 * fitted.epochs[0].loss


def test_a_loop_of_ones_own_reports_its_own_figures(write_project: Write) -> None:
    fitted = fit(write_project(OWN_LOOP), training=Training(epochs=3, learning_rate=0.5))
    assert [epoch.metrics for epoch in fitted.epochs] == [{"rate": 0.5}] * 3


def test_divergence_names_the_epoch_and_what_to_try(write_project: Write) -> None:
    name = write_project(
        """
        class Own(Base):
            def build(self, shape, params):
                net = Net(shape)
                net.out.weight.data.fill_(float("inf"))
                return net
        """
    )
    with pytest.raises(TrainingDiverged, match=r"in epoch 1 of 2; lower training\.learning_rate"):
        fit(name)


def test_a_reported_nan_is_divergence_too(write_project: Write) -> None:
    name = write_project(OWN_LOOP.replace("loss.item()", "float('nan') if epoch == 2 else 1.0"))
    with pytest.raises(TrainingDiverged, match="the loss became nan in epoch 2 of 3"):
        fit(name, training=Training(epochs=3))


def test_a_stop_takes_effect_within_an_epoch(write_project: Write) -> None:
    project = load_project(write_project())
    plan = Training(epochs=1000, batch_size=16)
    prepared = prepare(project.own.load(NOTHING), project, "binary", plan)
    seen: list[Epoch] = []
    loop = Loop(
        candidates.build(project, prepared.preprocessing, plan),
        prepared,
        "binary",
        plan,
        ended=seen.append,
        stopping=lambda: len(seen) >= 2,
    )
    with pytest.raises(Stopped):
        loop.fit()
    assert len(seen) == 2


def test_workers_share_the_rows_in_equal_batches(write_project: Write) -> None:
    project = load_project(write_project())
    plan = Training(batch_size=50)
    prepared = prepare(project.own.load(NOTHING), project, "binary", plan)
    network = candidates.build(project, prepared.preprocessing, plan)
    shares = [
        [
            batch.inputs[0]
            for batch in Loop(
                network,
                prepared,
                "binary",
                plan,
                ended=lambda epoch: None,
                stopping=lambda: False,
                share=Share(rank, 3),
            ).batches()
        ]
        for rank in range(3)
    ]
    sizes = [[len(part) for part in share] for share in shares]
    assert sizes[0] == sizes[1] == sizes[2]
    together = torch.cat([part for share in shares for part in share]).flatten().tolist()
    assert set(together) == set(prepared.numbers.flatten().tolist())


@pytest.mark.parametrize(
    ("build", "said"),
    [
        ("raise ValueError('hidden must be positive')", r"build\(\) raised ValueError: hidden"),
        ("return [1]", r"build\(\) returned list; return a torch.nn.Module"),
        (
            "return Wide(shape)",
            r"answers \[2, 5\] to 2 rows; it should answer \[2, 1\]",
        ),
        ("return nn.Linear(99, 1)", r"build\(\) raised"),
    ],
)
def test_a_network_that_does_not_fit(write_project: Write, build: str, said: str) -> None:
    name = write_project(
        f"""
        class Own(Base):
            def build(self, shape, params):
                {build}

        class Wide(Net):
            def forward(self, numbers, codes):
                return super().forward(numbers, codes).repeat(1, 5)
        """
    )
    with pytest.raises(ProjectInvalid, match=said):
        fit(name)


def test_a_loop_that_raises_is_the_projects_fault(write_project: Write) -> None:
    name = write_project("class Own(Base):\n    def train(self, context):\n        context.nope()")
    with pytest.raises(ProjectInvalid, match=r"train\(\) raised AttributeError.*line"):
        fit(name)
