"""What all pages are made of: the page itself, and its tables."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def document(title: str, style: str, body: str, foot: str) -> str:
    """A whole page that needs nothing from elsewhere.

    Args:
        title: as text; the others are HTML already.
        style: its style sheet.
        body: what it shows.
        foot: the line at its end.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f"{body}<footer>{foot}</footer></main></body></html>\n"
    )


def table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of cells that are HTML already; nothing where there are no rows."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return ""
    head = "".join(f"<th>{column}</th>" for column in columns)
    head = f"<thead><tr>{head}</tr></thead>"
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'
