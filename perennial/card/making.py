"""A card from what is known, in either form."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.card import markdown, page
from perennial.card.blocks import Block, Heading, Rows, Said
from perennial.card.bounds import bounds
from perennial.card.known import Known
from perennial.card.parts import disturbed, file, for_whom
from perennial.card.people import approved, since
from perennial.card.purpose import glance, learnt, limits, purpose
from perennial.card.quality import quality
from perennial.card.words import plain
from perennial.contracts.base import Json
from perennial.contracts.training import Installed


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
        bounds,
        approved,
        since,
        _origin,
    ):
        yield from part(known)


def _origin(known: Known) -> Iterator[Block]:
    record = known.record
    code, policies = record.evidence.code, dict.fromkeys(each.policy for each in known.judged)
    commit = code.git_commit and code.git_commit + (" with changes" if code.dirty else "")
    yield Heading("Where this comes from")
    yield Said(
        f"Everything above follows from these, most of them named by a digest of all their bytes. "
        f"It can be made again from them, and compared: perennial reproduce {known.spec.model} "
        f"{record.version}."
    )
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
                ("the platform's code", code.platform_digest),
                ("environment", code.lock_digest),
                ("made with", code.installed and _software(code.installed)),
                ("parameters", _parameters(record.evidence.params)),
                ("policy that judged", ", ".join(filter(None, policies))),
                ("run", record.run_id),
            )
            if value
        ],
    )


def _software(installed: Installed) -> str:
    libraries = ", ".join(f"{name} {which}" for name, which in installed.libraries.items())
    return f"Python {installed.python} on {installed.machine}, {libraries}"


def _parameters(params: Json) -> str:
    """All that the training was told, parts of parts by their names."""
    told = []
    for name, value in params.items():
        if isinstance(value, dict):
            told += [f"{plain(name)} {plain(each)} {value[each]}" for each in value]
        elif value is not None:
            told.append(f"{plain(name)} {value}")
    return ", ".join(told)


def _foot(known: Known) -> str:
    return (
        f"perennial card {known.spec.model} {known.record.version}, of the evidence "
        f"{known.record.evidence_digest[:12]}. Its parts are those of Mitchell et al., “Model "
        f"cards for model reporting”, 2019."
    )
