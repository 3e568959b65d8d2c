"""Two lives compared: what differs, in words. Nothing here looks at a clock or a process."""

from __future__ import annotations

from collections import Counter

from infra.drill.life import Life


def differences(undisturbed: Life, disturbed: Life) -> list[str]:
    """What is otherwise in the life that was disturbed; nothing when it came to the same end."""
    found = []
    for name in ("outcome", "reason", "error_type"):
        wanted, got = getattr(undisturbed, name), getattr(disturbed, name)
        if wanted != got:
            found.append(f"its {name.replace('_', ' ')} is {got!r} instead of {wanted!r}")
    found += _counted("stage", Counter(undisturbed.stages), Counter(disturbed.stages))
    if not found and undisturbed.stages != disturbed.stages:
        found.append(f"its stages came in another order: {', '.join(disturbed.stages)}")
    for environment in sorted({*undisturbed.promotions, *disturbed.promotions}):
        wanted_moves, moves = (life.promotions[environment] for life in (undisturbed, disturbed))
        if wanted_moves != moves:
            found.append(
                f"{environment} was promoted to {_times(moves)} instead of {_times(wanted_moves)}"
            )
    for name, where in (("versions", "in the records"), ("registered", "in MLflow")):
        wanted_count, count = getattr(undisturbed, name), getattr(disturbed, name)
        if wanted_count != count:
            found.append(f"{count} versions {where} instead of {wanted_count}")
    found += _counted("fact", undisturbed.facts, disturbed.facts)
    found += _counted("watched", undisturbed.watched, disturbed.watched)
    if disturbed.ledger_problem:
        found.append(f"the ledger does not verify: {disturbed.ledger_problem}")
    return found


def _counted(what: str, wanted: Counter[str], got: Counter[str]) -> list[str]:
    return [
        *(f"{what} missing: {entry}{_often(n)}" for entry, n in sorted((wanted - got).items())),
        *(f"{what} too many: {entry}{_often(n)}" for entry, n in sorted((got - wanted).items())),
    ]


def _often(count: int) -> str:
    return f" ({_times(count)})" if count > 1 else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
