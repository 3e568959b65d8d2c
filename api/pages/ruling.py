"""The page of a rollout whose figures decide nothing: what was watched, and two buttons."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from api.auth import Principal
from api.pages.frame import only_looks, page, tell, who
from api.schemas.base import Json
from api.schemas.rollouts import RolloutDetail, RolloutProgress
from perennial.picture.markup import table


def ruling(
    principal: Principal,
    found: RolloutDetail,
    assessments: Json,
    seal: str,
    told: str = "",
    kind: str = "",
) -> str:
    """What a rollout has come to; with buttons where it waits and this person may rule on it.

    Args:
        principal: who looks.
        found: what answers the requests, and the rollout if one is under way.
        assessments: what was watched, by name, each with its verdict and reason.
        seal: of the form.
        told: what came of a ruling, if there was one.
        kind: `good` or `bad`: how that is meant.
    """
    now = found.under_way
    title = f"No version of {found.model} is rolled out in {found.environment}"
    if now is not None:
        version = f"ersion {now.version} of {found.model}"
        title = f"V{version} goes on by itself in {found.environment}"
        if now.waiting:
            title = f"May v{version} go on in {found.environment}?"
    body = (
        f"{who(principal)}<section>{tell(told, kind)}<h1>{escape(title)}</h1>{_state(now)}"
        f"</section><section><h2>Who answers</h2>{_variants(found)}</section>"
        f"{_watched(assessments)}{_form(principal, now, seal)}"
    )
    return page(title, body, f"<code>perennial rollout show {escape(found.model)}</code>")


def _state(now: RolloutProgress | None) -> str:
    if now is None:
        return tell("It is over. There is nothing to do.", "")
    if now.waiting:
        until = f" until {now.expires_at:%Y-%m-%d %H:%M} UTC" if now.expires_at else ""
        asks = (
            f'<p class="quiet">It waits for a person{until}, at step {now.step}: '
            f"{now.percent:g} % of the requests. Then it is called off.</p>"
        )
    else:
        asks = tell("It waits for nobody now. There is nothing to do.", "")
    facts = (("verdict", now.verdict), ("because", now.reason), ("run", now.run_id))
    said = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    return f"{asks}<dl>{said}</dl>"


def _variants(found: RolloutDetail) -> str:
    labelled = any(each.labelled for each in found.variants)
    rows = (
        (
            escape(each.name),
            str(each.version),
            f"copies {each.shadow_percent:g} %" if each.shadow_percent else f"{each.percent:g} %",
            f"{each.requests:,}",
            f"{each.errors:,}",
            f"{each.slow:,}",
            *((f"{each.wrong:,} of {each.labelled:,}",) if labelled else ()),
        )
        for each in found.variants
    )
    columns = ("variant", "version", "share", "answered", "errors", "slow")
    return table((*columns, "labelled wrong") if labelled else columns, rows)


def _watched(assessments: Json) -> str:
    rows = table(("watched", "verdict", "in its words"), _assessed(assessments))
    return f'<section class="said"><h2>What was watched</h2>{rows}</section>' if rows else ""


def _assessed(assessments: Json) -> Iterator[tuple[str, str, str]]:
    for name, each in assessments.items():
        yield escape(name), escape(str(each["verdict"])), escape(str(each["reason"]))


def _form(principal: Principal, now: RolloutProgress | None, seal: str) -> str:
    if now is None or not now.waiting:
        return ""
    if no := only_looks(principal, "ruling on a rollout"):
        return no
    return (
        '<section><form method="post">'
        f'<input type="hidden" name="evidence" value="{now.evidence_digest}">'
        f'<input type="hidden" name="seal" value="{seal}">'
        '<label for="comment">Why, for the records</label>'
        '<textarea id="comment" name="comment" rows="2" maxlength="2000"></textarea>'
        '<div class="does"><button name="do" value="on">Let it go on</button>'
        '<button name="do" value="back">Send it back</button></div>'
        '<p class="quiet">Nobody rules on a version that they made, or asked for. Sent back, the '
        "champion has all requests again at once.</p></form></section>"
    )
