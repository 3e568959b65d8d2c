"""A network stops once it learns nothing more, and computes in full precision without a GPU."""

from __future__ import annotations

import pytest
import torch

from activities.modelling.training.keeping_out import LOSS, learns_no_more, parted
from activities.modelling.training.loop import computes_mixed
from perennial.contracts.spec import EarlyStopping, Training
from tests.unit.ml.conftest import Write
from tests.unit.ml.making import fit

LINE = "tests.integration.ml.projects:Line"


@pytest.mark.parametrize(
    ("losses", "least", "over"),
    [
        ([], 0.0, False),
        ([3.0, 2.0], 0.0, False),
        ([3.0, 2.0, 2.5], 0.0, False),
        ([3.0, 2.0, 2.5, 2.0], 0.0, True),
        ([3.0, 2.0, 2.5, 1.9], 0.0, False),
        ([3.0, 2.0, 2.5, 1.9], 0.2, True),
    ],
)
def test_it_is_over_after_as_many_epochs_without_gain(
    losses: list[float], least: float, over: bool
) -> None:
    assert learns_no_more(losses, EarlyStopping(patience=2, least=least)) is over


def test_rows_are_kept_out_by_the_seed_and_each_is_on_one_side() -> None:
    plan = EarlyStopping(fraction=0.25)
    parts = parted(20, plan, 1)
    assert (len(parts.learnt), len(parts.watched)) == (15, 5)
    assert sorted(torch.cat([parts.learnt, parts.watched]).tolist()) == list(range(20))
    assert parted(20, plan, 1).watched.tolist() == parts.watched.tolist()
    assert parted(20, plan, 2).watched.tolist() != parts.watched.tolist()
    assert len(parted(2, EarlyStopping(fraction=0.9), 1).learnt) == 1
    assert len(parted(20, None, 1).learnt) == 20


def test_a_training_ends_early_and_says_what_it_watched() -> None:
    plan = Training(
        epochs=60, learning_rate=0.9, early_stopping=EarlyStopping(patience=2, least=0.05)
    )
    epochs = fit(LINE, training=plan).epochs
    assert 3 <= len(epochs) < 60
    losses = [epoch.metrics[LOSS] for epoch in epochs]
    assert min(losses[-2:]) >= min(losses[:-2]) - 0.05


WORSENS = """
class Own(Base):
    def train(self, context):
        for epoch, bias in enumerate([0.5, 0.1, 3.0, 0.1], start=1):
            self.set(context.model, bias)
            context.report(epoch, 1.0)
        self.set(context.model, 9.0)

    def set(self, network, bias):
        for parameter in network.parameters():
            parameter.data.zero_()
        network.out.bias.data.fill_(bias)
"""


def test_the_weights_of_the_best_epoch_are_kept(write_project: Write) -> None:
    name = write_project(WORSENS)
    plan = Training(epochs=4, early_stopping=EarlyStopping(patience=9))
    fitted = fit(name, training=plan)
    losses = [epoch.metrics[LOSS] for epoch in fitted.epochs]
    assert losses[1] == losses[3] == min(losses), "the same weights, and the first of them counts"
    assert fitted.kept_epoch == 2
    assert fitted.network.state_dict()["out.bias"].item() == pytest.approx(0.1)
    unwatched = fit(name, training=plan.model_copy(update={"early_stopping": None}))
    assert unwatched.kept_epoch is None
    assert unwatched.network.state_dict()["out.bias"].item() == 9.0


def test_mixed_precision_is_off_without_a_gpu_and_changes_nothing() -> None:
    assert not computes_mixed("mixed", "cpu")
    full, mixed = (fit(LINE, training=Training(seed=3, precision=p)) for p in ("full", "mixed"))
    assert [epoch.loss for epoch in full.epochs] == [epoch.loss for epoch in mixed.epochs]
