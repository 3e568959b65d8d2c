"""A card from what is known, in either form."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.card import markdown, page
from perennial.card.blocks import Block, Heading, Rows, Said
from perennial.card.known import Known
from perennial.card.parts import disturbed, file, for_whom
from perennial.card.people import approved, since
from perennial.card.purpose import glance, learnt, limits, purpose
from perennial.card.quality import quality


def as_html(known: Known) -> str:
    """One page that needs nothing from elsewhere."""
    return page.page(_title(known), list(_blocks(known)), _foot(known))


def as_markdown(known: Known) -> str:
    """The same without its drawings."""
    return markdown.text(_title(known), list(_blocks(known)), _foot(known))


def _title(known: Known) -> str:
    return f"{known.spec.model}, version {known.record.version}"


def _blocks(known: Known) -> Iterator[Block]:
    for part in (
        glance,
        purpose,
        limits,
        learnt,
        quality,
        for_whom,
        disturbed,
        file,
        approved,
        since,
        _origin,
    ):
        yield from part(known)


def _origin(known: Known) -> Iterator[Block]:
    record = known.record
    code = record.evidence.code
    commit = code.git_commit and code.git_commit + (" with changes" if code.dirty else "")
    yield Heading("Where this comes from")
    yield Said("Everything above follows from these, each named by a digest of all its bytes.")
    yield Rows(
        ("what", "which"),
        [
            (name, value)
            for name, value in (
                ("evidence", record.evidence_digest),
                ("rows", record.snapshot.digest),
                ("file that answers", record.exported.onnx.sha256),
                ("code", f"{code.project}, {code.source_digest}"),
                ("commit", commit),
                ("environment", code.lock_digest),
                ("run", record.run_id),
            )
            if value
        ],
    )


def _foot(known: Known) -> str:
    return (
        f"perennial card {known.spec.model} {known.record.version}, of the evidence "
        f"{known.record.evidence_digest[:12]}. Its parts are those of Mitchell et al., “Model "
        f"cards for model reporting”, 2019."
    )
