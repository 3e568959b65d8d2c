"""The page around the drawings: who, what, how it ended, and each sentence that was said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from perennial.documents import Run
from perennial.picture.drawing import drawing, elapsed
from perennial.picture.markup import document, table
from perennial.picture.style import STYLE
from perennial.picture.timeline import Timeline

_VERDICTS = ("pass", "inconclusive", "no_data", "fail", "error")


def page(run: Run, rollouts: Sequence[Timeline], now: datetime) -> str:
    """A whole page that needs nothing from elsewhere.

    Args:
        run: whose rollouts they are.
        rollouts: what `timelines` found in its events.
        now: when the page is made; a run that goes on is told until then.
    """
    title = f"{run['model']}, {run['run_id']}"
    body = "".join(_rollout(run, each) for each in rollouts)
    made = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    foot = f"perennial rollout picture {escape(run['run_id'])}, {made}"
    return document(title, STYLE, _head(run) + body, foot)


def _head(run: Run) -> str:
    version = "" if run["version"] is None else f", version {run['version']}"
    ended = run["outcome"] or run["status"]
    asked = f": {run['asked_because']}" if run["asked_because"] else ""
    return (
        f"<h1>{escape(run['model'])}{version}</h1>"
        f'<p class="outcome {escape(ended)}"><b>{escape(ended)}</b> {escape(run["reason"])}</p>'
        f'<p class="quiet">run {escape(run["run_id"])}, asked for by '
        f"{escape(run['actor'])}{escape(asked)}</p>"
    )


def _rollout(run: Run, rollout: Timeline) -> str:
    begin = f"{rollout.begin:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"<section><h2>{escape(rollout.environment)}</h2>"
        f'<p class="quiet">{begin}, {escape(_state(rollout))}</p>'
        f"{_legend(rollout)}{drawing(rollout)}"
        f"{table(('after', 'step', 'watched', 'verdict', 'in its words'), _verdicts(rollout))}"
        f"{table(('after', 'asked', 'policy', 'because'), _decisions(rollout))}</section>"
    )


def _state(rollout: Timeline) -> str:
    took = elapsed(rollout.took)
    if rollout.outcome == "running":
        return f"for {took} so far. {rollout.summary}"
    return f"took {took}"


def _legend(rollout: Timeline) -> str:
    variants: dict[str, int] = {}
    for weights in rollout.weights:
        for share in weights.shares:
            # who has earned everything is called champion too; here the one before it is meant
            variants.setdefault(share.name, share.version)
    marks = [
        f'<span><i class="swatch {escape(name)}"></i>{escape(name)} (version {version})</span>'
        for name, version in variants.items()
    ]
    marks += [
        f'<span><i class="swatch {verdict}"></i>{verdict}</span>'
        for verdict in _VERDICTS
        if any(span.verdict == verdict for span in rollout.spans)
    ]
    if rollout.waits:
        marks.append('<span><i class="swatch waited"></i>waited for a person</span>')
    return f'<p class="legend">{"".join(marks)}</p>'


def _verdicts(rollout: Timeline) -> Iterator[tuple[str, ...]]:
    for span in sorted(rollout.spans, key=lambda span: span.since):
        yield (
            _after(rollout, span.since),
            str(span.step),
            escape(span.name),
            f'<b class="{escape(span.verdict)}">{escape(span.verdict)}</b>',
            escape(span.reason),
        )


def _decisions(rollout: Timeline) -> Iterator[tuple[str, ...]]:
    for each in rollout.decisions:
        kind = "pass" if each.outcome == "allow" else "fail"
        because = [*each.reasons, *([each.ruling] if each.ruling else [])]
        yield (
            _after(rollout, each.at),
            escape(each.asked),
            f'<b class="{kind}">{escape(each.outcome)}</b>',
            "<br>".join(escape(reason) for reason in because),
        )


def _after(rollout: Timeline, at: datetime) -> str:
    return elapsed(max((at - rollout.begin).total_seconds(), 0.0))
