"""The page of a question to people: what is asked, the evidence, and two buttons."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from api.auth import Principal
from api.pages.frame import only_looks, page, tell, who
from api.schemas.base import Json
from api.schemas.models import VersionDetail
from api.schemas.runs import ApprovalDetail
from perennial.picture.markup import table

_FOOT = "<code>perennial approvals</code>"


def question(
    principal: Principal,
    asked: ApprovalDetail,
    version: VersionDetail,
    seal: str,
    told: str = "",
    kind: str = "",
) -> str:
    """The question with its evidence; with buttons where it is open and this person may vote.

    Args:
        principal: who looks.
        asked: the question.
        version: that it is about.
        seal: of the form.
        told: what came of a vote, if there was one.
        kind: `good` or `bad`: how that is meant.
    """
    title = f"May version {asked.version} of {asked.model} go into {asked.environment}?"
    body = (
        f"{who(principal)}<section>{tell(told, kind)}<h1>{escape(title)}</h1>{_state(asked)}"
        f"{_facts(asked, version)}</section>"
        f"<section><h2>Evidence</h2>{_evidence(version)}</section>"
        f"{_form(principal, asked, version, seal)}"
    )
    return page(title, body, _FOOT)


def _state(asked: ApprovalDetail) -> str:
    if asked.status == "open":
        yes = sum(vote.approve for vote in asked.votes)
        left = max(asked.required - yes, 0)
        more = "" if not yes else f" {yes} said yes."
        need = "one approval is" if left == 1 else f"{left} approvals are"
        return (
            f'<p class="quiet">It is open until {asked.expires_at:%Y-%m-%d %H:%M} UTC; {need} '
            f"needed.{more}</p>"
        )
    when = f" at {asked.closed_at:%Y-%m-%d %H:%M} UTC" if asked.closed_at else ""
    kind = "good" if asked.status == "approved" else ""
    return tell(f"This question is decided: {asked.status}{when}. There is nothing to do.", kind)


def _facts(asked: ApprovalDetail, version: VersionDetail) -> str:
    facts = [
        ("made by", escape(asked.author)),
        ("run", escape(version.run_id)),
        ("champion in", escape(", ".join(version.champion_in)) or "nothing yet"),
        *(("vote", _vote(vote.by, vote.approve, vote.comment)) for vote in asked.votes),
    ]
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{said}</dd>' for name, said in facts)}</dl>"


def _vote(by: str, approve: bool, comment: str) -> str:
    return escape(f"{by} says {'yes' if approve else 'no'}{f': {comment}' if comment else ''}")


def _evidence(version: VersionDetail) -> str:
    evidence = version.evidence
    if evidence is None:
        return "<p>There is none yet.</p>"
    champions: dict[str, Json] = evidence.get("champions") or {}
    columns = ("metric", "this version", *(f"champion, version {v}" for v in champions))
    rows = (
        (escape(name), _figure(value), *_beside(name, value, champions))
        for name, value in evidence["metrics"].items()
    )
    validation, parity, code = evidence["validation"], evidence["parity"], evidence["code"]
    facts = (
        (
            "data",
            f"{validation['rows']:,} rows {'passed' if validation['passed'] else 'FAILED'} "
            f"{validation['checks']} checks",
        ),
        ("tested on", f"{evidence['test_rows']:,} rows that were held out"),
        (
            "ONNX file",
            f"{'agrees' if parity['passed'] else 'DIFFERS'}: at most "
            f"{parity['max_abs_diff']:.1e} from the trained model",
        ),
        ("code", f"{code['project']}, digest {code['source_digest'][:12]}"),
        ("evidence", f"digest {(version.evidence_digest or '')[:12]}"),
    )
    told = "".join(f"<dt>{name}</dt><dd>{escape(said)}</dd>" for name, said in facts)
    return f"{table(columns, rows)}<dl>{told}</dl>"


def _beside(name: str, value: float, champions: dict[str, Json]) -> Iterator[str]:
    for metrics in champions.values():
        theirs = metrics.get(name)
        yield "-" if theirs is None else f"{_figure(theirs)} ({value - theirs:+.4f})"


def _figure(value: float) -> str:
    return f"{value:.4f}"


def _form(principal: Principal, asked: ApprovalDetail, version: VersionDetail, seal: str) -> str:
    if asked.status != "open":
        return ""
    if no := only_looks(principal, "voting"):
        return no
    digest = version.evidence_digest or ""
    return (
        '<section><form method="post">'
        f'<input type="hidden" name="evidence" value="{digest}">'
        f'<input type="hidden" name="seal" value="{seal}">'
        '<label for="comment">Why, for the records</label>'
        '<textarea id="comment" name="comment" rows="2" maxlength="2000"></textarea>'
        '<div class="does"><button name="do" value="approve">Approve</button>'
        '<button name="do" value="reject">Reject</button></div>'
        '<p class="quiet">Nobody approves a version of their own. One no ends the run.</p>'
        "</form></section>"
    )
