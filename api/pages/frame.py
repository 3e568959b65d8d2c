"""What the pages that people answer on have in common: style, login, and who looks."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from api.auth import Principal
from perennial.picture.markup import document

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
.said th, .said td { text-align: left; vertical-align: top; }
.said td:last-child { white-space: normal; }
label { display: block; font-size: 14px; color: var(--quiet); margin: 0 0 4px; }
input, textarea { width: 100%; font: inherit; color: inherit; background: var(--ground);
  border: 1px solid var(--line); border-radius: 6px; padding: 9px 12px; margin-bottom: 14px; }
.does { display: flex; flex-wrap: wrap; gap: 12px; align-items: center; margin-bottom: 14px; }
button { font: inherit; font-weight: 600; border: 0; border-radius: 6px; padding: 10px 22px;
  color: var(--on); background: var(--deep); cursor: pointer; }
button[value=approve], button[value=on] { background: var(--yes); }
button[value=reject], button[value=back] { background: var(--no); }
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


def page(title: str, body: str, foot: str = "") -> str:
    """A whole page that needs nothing from elsewhere.

    Args:
        title: of it, as plain text.
        body: markup.
        foot: markup: how the same is done from a terminal.
    """
    return document(title, STYLE, body, foot and f"The same from a terminal: {foot}")


def login(told: str = "") -> str:
    """The page for somebody who is not known yet. It does not say what is asked, or whether."""
    return page(
        "Log in",
        f"<section><h1>A question waits for an answer</h1>{tell(told, 'bad')}"
        "<p>Say who you are to see it. Your token is asked for once, stays out of the address "
        "and is forgotten after half an hour.</p>"
        '<form method="post"><label for="token">Your token</label>'
        '<input id="token" name="token" type="password" autocomplete="current-password" required '
        'autofocus><button name="do" value="login">Go on</button></form></section>',
    )


def failed(principal: Principal, told: str) -> str:
    """The page where there is no such question, or it cannot be read now."""
    body = f"{who(principal)}<section><h1>That did not work</h1>{tell(told, 'bad')}</section>"
    return page("That did not work", body)


def tell(words: str, kind: str) -> str:
    """What came of something, in a box: `good`, `bad`, or empty for neither."""
    return f'<p class="told {kind}" role="status">{escape(words)}</p>' if words else ""


def who(principal: Principal) -> str:
    """Whose page it is, and the way out."""
    return (
        f'<form method="post" class="who"><span>{escape(principal.name)}, '
        f'{principal.role}</span><button name="do" value="leave">Log out</button></form>'
    )


def only_looks(principal: Principal, what: str) -> str:
    """In the place of buttons, for somebody who may not press them; empty for who may.

    Args:
        principal: who looks.
        what: that takes another role.
    """
    if principal.role in ("approver", "admin"):
        return ""
    return (
        f'<section><p class="told">{escape(principal.name)} has the role {principal.role}: '
        f"{what} is for approvers and admins.</p></section>"
    )
