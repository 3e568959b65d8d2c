"""A rollout's looks: what was counted since the last one, and what all of it says.

The data plane tells sums that only grow, so a look is the difference to the look before. A look
that is missed is in the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perennial.analysis import assessing, comparing, drifting, guarding, labelling, splitting
from perennial.contracts.analysis import Assessment, Counted, Guardrail, Split
from perennial.contracts.rollout import Seen
from perennial.contracts.rollout_plan import Limit, RolloutPlan
from perennial.contracts.serving import (
    CHALLENGER,
    CONTROL,
    WHOLE,
    Deployment,
    Labelled,
    Met,
    Serving,
    Tally,
)


def looked(
    seen: Seen,
    tallies: Sequence[Tally],
    plan: RolloutPlan,
    deployment: Deployment,
    labelled: Sequence[Labelled] = (),
    met: Sequence[Met] = (),
) -> Seen:
    """What has been seen with one more look.

    Args:
        seen: at the looks before.
        tallies: sums over all processes, by epoch and variant, since the rollout's first step.
        plan: of the rollout.
        deployment: that is watched now.
        labelled: sums by variant, of the same requests.
        met: entities of the deployment that is watched, by process.
    """
    before = {(tally.epoch, tally.variant): tally for tally in seen.tallies}
    fresh = [_since(before.get((tally.epoch, tally.variant)), tally) for tally in tallies]
    control, challenger = _of(fresh, CONTROL), _of(fresh, CHALLENGER)
    compared = plan.guardrails.disagreement
    quality, known = labelling.seen(seen.quality, seen.labelled, labelled)
    return Seen(
        tallies=tuple(tallies),
        epoch=deployment.epoch,
        errors=comparing.seen(seen.errors, _counted(control, _wrong), _counted(challenger, _wrong)),
        slow=comparing.seen(seen.slow, _counted(control, _slow), _counted(challenger, _slow)),
        answers=drifting.seen(seen.answers, *_answers(seen, control, challenger)),
        split=_split(seen, fresh, deployment),
        divided=_divided(seen, met, deployment),
        disagreement=seen.disagreement
        if compared is None
        else guarding.seen(seen.disagreement, compared.allowed, _disagreed(challenger)),
        labelled=tuple(known),
        quality=quality,
    )


def assess(
    seen: Seen, plan: RolloutPlan, serving: Serving, deployment: Deployment
) -> dict[str, Assessment]:
    """Every verdict of now, by what was watched.

    Alpha is shared: all guardrails together call a version off that is no worse in alpha of all
    rollouts at most.
    """
    found = {"served": served(serving)}
    if (most := plan.guardrails.saturation) is not None:
        found["saturation"] = _saturation(serving.busy, most)
    share, copies = _weight(deployment, CHALLENGER), _copied(deployment)
    if not share and not copies:
        return found
    rails = plan.guardrails
    alpha = plan.alpha / (len(plan.limits) + 1)
    if rails.errors is not None:
        found["errors"] = assessing.assess(_rail("errors", rails.errors), seen.errors, alpha)
    if rails.slow is not None:
        name = f"slower than {1000 * rails.slow.seconds:g} ms"
        found["slow"] = assessing.assess(_rail(name, rails.slow), seen.slow, alpha)
    if rails.answers is not None:
        found["answers"] = assessing.assess_drift(
            seen.answers, rails.answers.allowed, rails.answers.requests, alpha
        )
    if rails.quality is not None:
        percent = 100 * share / WHOLE
        judged = labelling.assess(rails.quality, seen.quality, _answered(seen), percent, alpha)
        if judged is not None:
            found["quality"] = judged
    if copies:
        if rails.disagreement is not None:
            found["disagreement"] = assessing.assess_disagreement(
                seen.disagreement, rails.disagreement.allowed, rails.disagreement.requests, alpha
            )
    else:
        shares = [weight / WHOLE for _, weight in _shares(deployment)]
        # each step has a division of its own, and may be wrong about it
        alpha /= len(plan.taken)
        if deployment.entity is None:
            found["split"] = assessing.assess_split(seen.split, shares, alpha)
        elif seen.divided:
            found["split"] = _assess_divided(seen.divided, deployment.entity, shares, alpha)
    return found


def overall(assessments: dict[str, Assessment]) -> Assessment:
    """All of them as one: the worst, in its own words."""
    return assessing.worst(list(assessments.values()))


def served(serving: Serving) -> Assessment:
    """Whether every process of the data plane has what it is to serve."""
    if not serving.processes:
        return Assessment(
            verdict="no_data", reason="no process of the data plane reports; start one (make up)"
        )
    if serving.behind:
        behind = ", ".join(serving.behind[:3])
        return Assessment(
            verdict="inconclusive",
            reason=f"{len(serving.behind)} of {serving.processes} processes do not serve it yet: "
            f"{behind}",
        )
    return Assessment(verdict="pass", reason=f"all {serving.processes} processes serve it")


def _saturation(busy: float, most: float) -> Assessment:
    told = f"saturation: the busiest process is busy {busy:.0%} of its time, {most:.0%} is allowed"
    return Assessment(verdict="pass" if busy <= most else "inconclusive", reason=told)


def _since(before: Tally | None, now: Tally) -> Tally:
    return now if before is None else now.since(before)


def _of(tallies: Sequence[Tally], variant: str) -> Tally | None:
    """A variant's, of all epochs: its share does not matter to what it does with a request."""
    found: Tally | None = None
    for tally in tallies:
        if tally.variant == variant:
            found = tally if found is None else found + tally
    return found


def _answered(seen: Seen) -> tuple[int, int]:
    """Requests that both sides answered, copies among them: those have the labels of requests."""
    sides = _of(seen.tallies, CHALLENGER), _of(seen.tallies, CONTROL)
    return (0 if sides[0] is None else sides[0].requests), (
        0 if sides[1] is None else sides[1].requests
    )


def _counted(tally: Tally | None, hits: Callable[[Tally], int]) -> Counted:
    if tally is None:
        return Counted()
    return Counted(requests=tally.requests, hits=min(hits(tally), tally.requests))


def _wrong(tally: Tally) -> int:
    """Failed, or not read: what only the challenger cannot read is its own failure."""
    return tally.errors + tally.refused


def _slow(tally: Tally) -> int:
    return tally.slow


def _disagreed(tally: Tally | None) -> Counted:
    if tally is None:
        return Counted()
    return Counted(requests=tally.compared, hits=min(tally.disagreed, tally.compared))


def _answers(
    seen: Seen, control: Tally | None, challenger: Tally | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Both sides' answers over as many categories as there ever were."""
    sides = [() if side is None else side.answers for side in (control, challenger)]
    width = max(len(seen.answers.control), *(len(side) for side in sides))
    ours, theirs = (side + (0,) * (width - len(side)) for side in sides)
    return ours, theirs


def _split(seen: Seen, fresh: Sequence[Tally], deployment: Deployment) -> Split:
    shares = _shares(deployment)
    if len(shares) < 2:
        return Split()
    requests = {t.variant: t.requests for t in fresh if t.epoch == deployment.epoch}
    return splitting.seen(
        seen.split if seen.epoch == deployment.epoch else Split(),
        [requests.get(name, 0) for name, _ in shares],
        [weight / WHOLE for _, weight in shares],
    )


def _divided(seen: Seen, met: Sequence[Met], deployment: Deployment) -> dict[str, Split]:
    """Of entities and not of requests: a busy customer's all go to one variant.

    Each that a process meets is as likely to be any variant's as the weights say. Two processes
    meet the same ones, so that each has a division of its own.
    """
    shares = _shares(deployment)
    if len(shares) < 2 or deployment.entity is None:
        return {}
    before = seen.divided if seen.epoch == deployment.epoch else {}
    found = dict(before)
    for each in met:
        known = before.get(each.process, Split())
        counts = known.counts or (0,) * len(shares)
        fresh = [
            max(each.entities.get(name, 0) - old, 0)
            for (name, _), old in zip(shares, counts, strict=True)
        ]
        weights = [weight / WHOLE for _, weight in shares]
        found[each.process] = splitting.seen(known, fresh, weights)
    return found


def _assess_divided(
    divided: dict[str, Split], entity: str, shares: Sequence[float], alpha: float
) -> Assessment:
    """Of the process whose division is the least likely: they are not independent, so that all of
    them together have one alpha."""
    oddest = max(divided.values(), key=lambda split: split.most)
    what = f"values of {entity}"
    return assessing.assess_split(oddest, shares, alpha / len(divided), what)


def _shares(deployment: Deployment) -> list[tuple[str, int]]:
    return [(each.name, each.weight) for each in deployment.variants if each.weight]


def _copied(deployment: Deployment) -> bool:
    return any(each.shadow for each in deployment.variants)


def _weight(deployment: Deployment, name: str) -> int:
    return sum(each.weight for each in deployment.variants if each.name == name)


def _rail(name: str, limit: Limit) -> Guardrail:
    return Guardrail(name=name, allowed=limit.allowed, requests=limit.requests)
