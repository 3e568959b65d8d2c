"""The page of a question to people: what is asked, the evidence, and two buttons."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape

from api.auth import Principal
from api.schemas.base import Json
from api.schemas.models import VersionDetail
from api.schemas.runs import ApprovalDetail
from perennial.picture.markup import document, table

STYLE = """
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #1c2430;
  --quiet: #5b6675; --line: #d9dee5; --yes: #1f7a4a; --no: #b3362a; --told: #fff3cd;
  --good: #cfeeda; --bad: #f6c9c4; --on: #fff; --deep: #1f4f82; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161c; --card: #1a2029; --ink: #e4e8ee;
  --quiet: #98a3b3; --line: #333c48; --yes: #2f9e63; --no: #d4574a; --told: #3d3413;
  --good: #1d4a32; --bad: #6a2119; --deep: #3f7fc4; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 680px; margin: 0 auto; padding: 32px 16px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 20px 24px; margin-bottom: 16px; }
h1 { font-size: 22px; line-height: 1.3; margin: 0 0 6px; }
h2 { font-size: 16px; margin: 0 0 4px; }
p { margin: 0 0 10px; }
section p:last-child { margin-bottom: 0; } .quiet, footer { color: var(--quiet); font-size: 14px; }
.told { background: var(--told); border-radius: 6px; padding: 10px 14px; overflow-wrap: anywhere; }
.told.good { background: var(--good); } .told.bad { background: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 14px 0 0;
  font-size: 15px; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
th { color: var(--quiet); font-weight: 600; text-align: right; }
td { text-align: right; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
th, td { padding: 5px 0 5px 16px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; }
label { display: block; font-size: 14px; color: var(--quiet); margin: 0 0 4px; }
input, textarea { width: 100%; font: inherit; color: inherit; background: var(--ground);
  border: 1px solid var(--line); border-radius: 6px; padding: 9px 12px; margin-bottom: 14px; }
.does { display: flex; flex-wrap: wrap; gap: 12px; align-items: center; margin-bottom: 14px; }
button { font: inherit; font-weight: 600; border: 0; border-radius: 6px; padding: 10px 22px;
  color: var(--on); background: var(--deep); cursor: pointer; }
button[value=approve] { background: var(--yes); } button[value=reject] { background: var(--no); }
button[value=leave] { background: none; color: var(--quiet); padding: 0; font-weight: 400;
  text-decoration: underline; }
:focus-visible { outline: 3px solid var(--deep); outline-offset: 2px; }
.who { display: flex; justify-content: space-between; align-items: baseline; gap: 12px;
  font-size: 14px; color: var(--quiet); margin: 0 4px 12px; }
"""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}
"""Nothing but this style sheet, forms to here, and in no frame."""

_FOOT = "The same from a terminal: <code>perennial approvals</code>"


def login(told: str = "") -> str:
    """The page for somebody who is not known yet. It does not say what is asked, or whether."""
    return document(
        "Log in",
        STYLE,
        f"<section><h1>A question waits for an answer</h1>{_told(told, 'bad')}"
        "<p>Say who you are to see it. Your token is asked for once, stays out of the address "
        "and is forgotten after half an hour.</p>"
        '<form method="post"><label for="token">Your token</label>'
        '<input id="token" name="token" type="password" autocomplete="current-password" required '
        'autofocus><button name="do" value="login">Go on</button></form></section>',
        _FOOT,
    )


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
        f"{_who(principal)}<section>{_told(told, kind)}<h1>{escape(title)}</h1>{_state(asked)}"
        f"{_facts(asked, version)}</section>"
        f"<section><h2>Evidence</h2>{_evidence(version)}</section>"
        f"{_form(principal, asked, version, seal)}"
    )
    return document(title, STYLE, body, _FOOT)


def failed(principal: Principal, told: str) -> str:
    """The page where there is no such question, or it cannot be read now."""
    body = f"{_who(principal)}<section><h1>That did not work</h1>{_told(told, 'bad')}</section>"
    return document("That did not work", STYLE, body, _FOOT)


def _told(words: str, kind: str) -> str:
    return f'<p class="told {kind}" role="status">{escape(words)}</p>' if words else ""


def _who(principal: Principal) -> str:
    return (
        f'<form method="post" class="who"><span>{escape(principal.name)}, '
        f'{principal.role}</span><button name="do" value="leave">Log out</button></form>'
    )


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
    return _told(f"This question is decided: {asked.status}{when}. There is nothing to do.", kind)


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
    if principal.role not in ("approver", "admin"):
        return (
            f'<section><p class="told">{escape(principal.name)} has the role {principal.role}: '
            "voting is for approvers and admins.</p></section>"
        )
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
