"""A card as one page of HTML: in light and in dark, on a screen and on paper."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from perennial.card.blocks import Block, Drawn, Facts, Heading, Listed, Rows, Said
from perennial.picture.markup import document
from perennial.picture.style import CHARTS, STYLE

_CARD = """
main { max-width: 980px; }
p, li { max-width: 74ch; } main > p, main > ul { font-size: 16px; }
ul { margin: 4px 0 10px; padding-left: 22px; } li { margin: 3px 0; }
h1 { font-size: 28px; } h2 { font-size: 20px; margin: 34px 0 6px; }
h3 { margin: 8px 0 0; }
.facts b { font-size: 16px; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(400px, 100%), 1fr));
  gap: 8px 28px; margin: 12px 0; }
figure { margin: 0; break-inside: avoid; } figure.across { grid-column: 1 / -1; }
figcaption { color: var(--quiet); font-size: 13px; }
.ideal { fill: none; stroke: var(--quiet); stroke-dasharray: 5 4; }
.band { fill: var(--challenger); opacity: 0.6; }
.mark { stroke: var(--fail); stroke-dasharray: 6 4; }
.amount rect { fill: var(--challenger); } .amount.faint rect { fill: var(--champion); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
table { width: auto; } td:last-child { width: auto; overflow-wrap: anywhere; }
th, td { padding-right: 20px; }
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } }
"""
_STYLE = STYLE + CHARTS + _CARD

POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy of the page: nothing but its own style sheet."""


def page(title: str, blocks: Sequence[Block], foot: str) -> str:
    """The whole page; all that is handed in is plain text, but for the drawings."""
    parts = [f"<h1>{escape(title)}</h1>"]
    for drawn, group in groupby(blocks, key=lambda block: isinstance(block, Drawn)):
        made = "".join(map(_block, group))
        parts.append(f'<div class="plots">{made}</div>' if drawn else made)
    return document(title, _STYLE, "".join(parts), escape(foot))


def _block(block: Block) -> str:
    match block:
        case Heading(said):
            return f"<h2>{escape(said)}</h2>"
        case Said(said, quiet):
            kind = ' class="quiet"' if quiet else ""
            return f"<p{kind}>{escape(said)}</p>"
        case Listed(items):
            return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
        case Facts(pairs):
            cells = (f"<div><span>{escape(n)}</span><b>{escape(v)}</b></div>" for n, v in pairs)
            return f'<div class="facts">{"".join(cells)}</div>'
        case Drawn(said, svg, words, wide):
            across = ' class="across"' if wide else ""
            told = f"<figcaption>{escape(words)}</figcaption>"
            return f"<figure{across}><h3>{escape(said)}</h3>{svg}{told}</figure>"
        case Rows():
            return _table(block)


def _table(block: Rows) -> str:
    body = "".join(f"<tr>{''.join(_cells('td', row, block.numbers))}</tr>" for row in block.rows)
    head = f"<thead><tr>{''.join(_cells('th', block.columns, block.numbers))}</tr></thead>"
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'


def _cells(kind: str, row: Sequence[str], numbers: Sequence[int]) -> Iterator[str]:
    for place, cell in enumerate(row):
        right = ' class="number"' if place in numbers else ""
        yield f"<{kind}{right}>{escape(cell)}</{kind}>"
