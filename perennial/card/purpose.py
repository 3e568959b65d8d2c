"""What a version is for, what it is not for, and what it learnt from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from perennial.card.blocks import Block, Drawn, Facts, Heading, Listed, Said
from perennial.card.known import Known
from perennial.card.words import day, figure, listed, plain, result, sure
from perennial.contracts.data import DataValidation, Violation
from perennial.contracts.search import Searched
from perennial.contracts.training import Epoch
from perennial.picture.plots import Scale, Trace, around, plot

_KINDS = {
    "network": "a neural network",
    "estimator": "an estimator of scikit-learn",
    "boosting": "boosted trees of LightGBM",
}
_CLASSES = 10
_COLUMNS = 30
_WATCHED = "validation_loss"
"""Of the rows that a training with early stopping keeps out."""
_NOTHING = 0.0005
"""A share below it would be told as 0.0 %."""


def glance(known: Known) -> Iterator[Block]:
    """The first lines: what it answers, how well, and where it is in use."""
    evidence, primary = known.record.evidence, known.primary
    examined, about = evidence.examined, known.spec.description
    name = f"Version {known.record.version} of {known.spec.model}"
    answers = f"{name} answers this question: {_ended(about)}" if about else _predicts(known)
    where = listed(known.champion_in)
    yield Said(answers)
    if primary in evidence.metrics:
        interval = examined.intervals.get(primary) if examined else None
        sentences = [
            result(primary, evidence.metrics[primary]),
            sure(interval, examined.confidence if examined else 0.95),
        ]
        yield Said(" ".join(sentences))
    yes = [v.by for asked in known.asked for v in asked.votes if v.approve]
    measured = evidence.metrics.get(primary)
    yield Facts(
        (
            ("in use in", where or "nowhere now"),
            (
                f"{plain(primary)}, measured",
                "not measured" if measured is None else figure(measured),
            ),
            ("rows it learnt from", f"{known.record.trained.train_rows:,}"),
            ("rows it was measured on", f"{evidence.test_rows:,}"),
            ("approved by", listed(list(dict.fromkeys(yes))) or "nobody was asked"),
        )
    )


def purpose(known: Known) -> Iterator[Block]:
    """What it is for."""
    spec = known.spec
    yield Heading("What it is for")
    if spec.card.intended_use:
        yield Said(spec.card.intended_use)
    else:
        yield Said("Its owners have not said what it is to be used for.")
    yield Said(
        f"{_predicts(known)} Its risk is called {spec.risk_tier}. Whom to ask: "
        f"{spec.card.contact or listed(spec.owners)}"
        + (f" (owners: {listed(spec.owners)})." if spec.card.contact else ".")
    )


def limits(known: Known) -> Iterator[Block]:
    """What it must not be used for."""
    yield Heading("What it must not be used for")
    if known.spec.card.limits:
        yield Listed(known.spec.card.limits)
    else:
        yield Said(
            "Its owners have named no limits. That does not mean that there are none: what it was "
            "not measured on, nobody knows it to be good for."
        )
    snapshot = known.record.snapshot
    if snapshot.time_from and snapshot.time_to:
        yield Said(
            f"It knows rows from {day(snapshot.time_from)} to {day(snapshot.time_to)}, and nothing "
            f"that came after."
        )


def learnt(known: Known) -> Iterator[Block]:
    """What it learnt from, and how."""
    record, split = known.record, known.spec.training.split
    snapshot, trained = record.snapshot, record.trained
    yield Heading("What it learnt from")
    held_back = "the newest ones" if split.by == "time" else "drawn by lot"
    views = ", ".join(each.name for each in snapshot.feature_views)
    joined = f" and the feature views {views}" if views else ""
    yield Said(
        f"{snapshot.rows:,} rows with {len(snapshot.columns)} columns from {snapshot.source_uri}"
        f"{joined}, kept on {day(snapshot.taken_at)}. It learnt from {trained.train_rows:,} of "
        f"them; {trained.test_rows:,}, {held_back}, were held back, and all that is said of how "
        f"good it is was measured on those."
    )
    yield from _data(record.evidence.validation)
    yield Said(_reads(known))
    last = trained.epochs[-1] if trained.epochs else None
    yield Said(
        f"It is {_KINDS[trained.kind]}, made by {record.author} in {trained.seconds:,.1f} seconds"
        + (
            f", in {last.epoch:,} passes over these rows."
            if last and trained.kind == "network"
            else "."
        )
        + (
            f" Its weights are those of pass {trained.kept_epoch:,}, the best one on rows that it "
            f"did not learn from."
            if trained.kept_epoch
            else ""
        )
        + _searched(record.evidence.search)
    )
    if len(trained.epochs) > 1:
        yield _loss(trained.epochs, trained.kept_epoch)


def _predicts(known: Known) -> str:
    if known.spec.task == "regression":
        return "It answers with a number."
    if known.spec.task == "binary":
        return "It answers how probable it is that something is so, from 0 to 1."
    classes = len(known.record.evidence.validation.classes)
    many = f"{classes} classes" if classes else "several classes"
    return f"It answers how probable each of {many} is, from 0 to 1."


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def _data(validation: DataValidation) -> Iterator[Block]:
    checked = f"The rows passed {validation.checks} checks."
    if validation.warnings:
        checked += " What was noticed and did not stop it:"
    yield Said(checked)
    if validation.warnings:
        yield Listed([_without_keys(each) for each in validation.warnings])
    told = []
    if validation.classes:
        most = sorted(validation.classes.items(), key=lambda item: (-item[1], item[0]))
        shown = [f"{name} ({rows:,})" for name, rows in most[:_CLASSES]]
        if len(most) > _CLASSES:
            shown.append(f"{len(most) - _CLASSES} more")
        told.append(f"Rows by what is true of them: {listed(shown)}.")
    if validation.contradictions and validation.contradictions >= _NOTHING:
        told.append(
            f"In {validation.contradictions:.1%} of the rows another answer is given than in most "
            f"rows that look the same, so nothing can be right about all of them."
        )
    if validation.shared_rows and validation.shared_rows >= _NOTHING:
        told.append(
            f"{validation.shared_rows:.1%} of the rows that were held back are equal to one that "
            f"it learnt from, which flatters it."
        )
    if told:
        yield Said(" ".join(told))


def _without_keys(noticed: Violation) -> str:
    """Its message without the rows it names: a card is read by more people than rows are."""
    keys = f": {noticed.rows[0]}" if noticed.rows else ""
    return f"{noticed.message.partition(keys)[0]}." if keys else f"{noticed.message}."


def _reads(known: Known) -> str:
    """Which columns it is asked with, and whether it knows those that its groups are made by."""
    inputs = known.record.exported.inputs
    told = [
        each.name
        + (" (text)" if each.type == "string" else "")
        + (f" ({each.shape[-1]} numbers)" if each.shape[-1] > 1 else "")
        for each in inputs[:_COLUMNS]
    ]
    if len(inputs) > _COLUMNS:
        told.append(f"{len(inputs) - _COLUMNS} more")
    said = f"To answer, it reads {listed(told)}, and nothing else."
    names = {each.name for each in inputs}
    unread = [name for name in known.spec.evidence.groups if name not in names]
    # the columns of a vector have no names in the file
    if unread and all(each.shape[-1] == 1 for each in inputs):
        said += f" It does not read {listed(unread)}, which its groups are made by."
    return said


def _searched(search: Searched | None) -> str:
    if search is None:
        return ""
    tried = search.finished + search.stopped + search.failed
    return (
        f" Its parameters are the best of {tried:,} that were tried, on the rows that it learnt "
        f"from alone."
    )


def _loss(epochs: tuple[Epoch, ...], kept: int | None) -> Drawn:
    points = [(float(each.epoch), each.loss) for each in epochs]
    traces = [Trace("loss", "l1", points, dots=len(points) <= 20)]
    watched = [(float(e.epoch), e.metrics[_WATCHED]) for e in epochs if _WATCHED in e.metrics]
    if watched:
        traces.append(Trace("on rows kept out", "l2", watched, dots=len(watched) <= 20))
    passes = Scale("passes over the rows", points[0][0], points[-1][0])
    losses = [loss for trace in traces for _, loss in trace.points]
    down = around("loss", losses)
    if min(losses) >= 0:
        down = replace(down, low=max(down.low, 0.0))
    svg = plot("Loss by pass over the rows", passes, down, traces)
    first, last = epochs[0], epochs[-1]
    return Drawn(
        "How it learnt",
        svg,
        f"The loss says how wrong it was about the rows it learnt from, pass by pass: "
        f"{first.loss:.4g} after pass {first.epoch}, {last.loss:.4g} after pass {last.epoch}. It "
        f"should fall, and become level."
        + (
            f" On some rows that it did not learn from it was least in pass {kept}, whose weights "
            f"are kept: where that line rises again, it only learns its rows by heart."
            if watched and kept
            else ""
        ),
    )
