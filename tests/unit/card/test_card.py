"""A card: what people read in it, and that nothing in it is anything but text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from perennial.card import POLICY, as_html, as_markdown
from perennial.card.known import Known, Voted
from perennial.contracts.advisories import DependencyCheck
from perennial.contracts.data import Violation
from perennial.contracts.spec import Task
from tests.samples import at

from .known import DETAILS, bare, known


class Page(HTMLParser):
    """The page's text, its open elements, and all attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.names |= {name for name, _ in attrs}
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data if self.open[-1:] != ["style"] else ""


SENTENCES = (
    "Will this flight arrive late?",
    "tells in 71 of 100 cases which is which",
    "with a confidence of 95% it lies between 0.690 and 0.750",
    "Passengers are warned.",
    "It must not set anybody's pay.",
    "Whom to ask: ada@example.org (owners: data-team).",
    "It learnt from 800 of them; 200, drawn by lot, were held back",
    "this one is better by 0.020, and is the better one with a probability of 94%",
    "it finds 55 of 100",
    "it is so in 21 of 100 cases",
    "By sex: it is worst for M (roc auc 0.690, 80 rows) and best for F (0.740, 120 rows)",
    "M lies between 0.600 and 0.770, and F between 0.690 and 0.790. The two overlap",
    "To answer, it reads distance, and nothing else. It does not read sex, which its groups",
    "Its weights are those of pass 1, the best one on rows that it did not learn from.",
    "On some rows that it did not learn from it was least in pass 1",
    "It is written in version 20 of ONNX's operators. Weights of 8 bits were tried and not kept",
    "Python 3.11.9 on Linux x86_64, torch 2.13",
    "With the column it relies on most, mixed up (origin): roc auc 0.610, worse by 0.110.",
    "5 January 2026: the policy wanted people to approve it (d-1), because 1 approval is missing.",
    "bob said yes on 2026-01-05 09:10 UTC: “it is fair”.",
    "it became champion by promotion, asked for by engineer, and still is. Said about it: “new",
    "In production, 2 windows of its requests were looked at last",
)


def test_it_says_in_sentences_what_is_known() -> None:
    page, text = Page(as_html(known())), as_markdown(known())
    plain = re.sub(r"\\(.)", r"\1", text)
    for sentence in SENTENCES:
        assert sentence in page.text, sentence
        assert sentence in plain, sentence
    assert page.seen.count("svg") == 8  # loss, ROC, PR, calibration, groups, columns, 2 of drift
    assert page.text.index("What it is for") < page.text.index("Who approved it")


BOUNDS = (
    "roc auc | 0.71 | at least 0.6 | everywhere | refused",
    "how much better roc auc is than the champion's | 0.02 (version 3) | at least 0 | everywhere | "
    "a warning",
    "roc auc, its whole interval | 0.69 to 0.75 | at most 1 | everywhere | refused",
    "roc auc of each sex, its whole interval | 0.6 (M) to 0.79 (F) | at most 1 | everywhere",
    "equalized odds difference between the groups of sex | 0.18 | at most 0.2 |",
    "rows that the file puts into another class | not measured | at most 0 |",
    "version of the file's operators | 20 | at most 20 |",
)


def test_what_it_had_to_show_stands_beside_what_was_measured() -> None:
    text = as_markdown(known())
    for line in BOUNDS:
        assert f"| {line}" in text, line
    assert as_markdown(bare()).count("there was no champion") == 1


def test_it_says_of_what_is_not_known_that_it_is_not() -> None:
    text = as_markdown(bare())
    for sentence in (
        "Its owners have not said what it is to be used for.",
        "That does not mean that there are none",
        "How much chance there is in this figure was not measured.",
        "whether it is worse for some is not known",
        "Nobody was asked yet, and it is in use nowhere.",
        "no window of its requests was judged",
    ):
        assert sentence in text, sentence
    assert Page(as_html(bare())).seen.count("svg") == 1, "the loss alone"


@pytest.mark.parametrize("make", [as_html, as_markdown])
def test_the_same_is_told_in_the_same_bytes(make) -> None:  # type: ignore[no-untyped-def]
    assert make(known()) == make(known())
    assert make(known()) != make(known(seen=()))


def test_packages_are_vulnerable_not_so_or_not_checked() -> None:
    def told(**found: Any) -> str:
        full = known()
        checked = DependencyCheck.model_validate({"checked_at": at(5), **found})
        evidence = full.record.evidence.model_copy(update={"dependencies": checked})
        record = full.record.model_copy(update={"evidence": evidence})
        return as_markdown(replace(full, record=record))

    asked = {"status": "checked", "source": "https://api.osv.dev", "packages": 150}
    assert "150 packages it was made with, and on 5 January 2026 knew of no" in told(
        **asked, advisories=0
    )
    one = {"package": "certifi", "version": "2020.1.1", "advisories": ["PYSEC-2022-42986"]}
    assert "- certifi 2020.1.1: PYSEC-2022-42986" in told(**asked, advisories=1, vulnerable=[one])
    assert "was not checked: no source is set." in told(
        status="not checked", why="no source is set"
    )
    assert "known to be vulnerable was not checked." in as_markdown(bare())


def test_rows_that_were_noticed_are_not_named() -> None:
    full = known()
    noticed = Violation(
        check="labels",
        count=18,
        rows=("anna 1970-01-01",),
        message="late contradicts rows with the same inputs in 18 of 900 rows: "
        "anna 1970-01-01, ...",
    )
    validation = full.record.evidence.validation.model_copy(update={"warnings": (noticed,)})
    evidence = full.record.evidence.model_copy(update={"validation": validation})
    text = as_markdown(replace(full, record=full.record.model_copy(update={"evidence": evidence})))
    assert "- late contradicts rows with the same inputs in 18 of 900 rows.\n" in text
    assert "anna" not in text


HOSTILE = '<script>alert(1)</script> [x](javascript:1) | **b** `c`\n# "d"'


def hostile() -> Known:
    """Everybody whose words are in a card has written what a browser would run."""
    full = known()
    card = full.spec.card.model_copy(update={"intended_use": HOSTILE, "limits": (HOSTILE,)})
    asked = replace(full.asked[0], votes=[Voted("<b>bob</b>", True, full.asked[0].at, HOSTILE)])
    spec = full.spec.model_copy(update={"card": card, "description": HOSTILE})
    seen = [replace(each, reason=HOSTILE, column=HOSTILE) for each in full.seen]
    details = DETAILS | {"shuffled": {HOSTILE: 0.5}}
    return replace(full, spec=spec, asked=[asked], seen=seen, details=details)


def test_peoples_words_stay_words() -> None:
    page = Page(as_html(hostile()))
    assert page.open == [] and page.names.isdisjoint({"href", "src", "style", "onclick"})
    assert set(page.seen).isdisjoint({"script", "b>bob", "img", "a", "link"})
    assert page.text.count("alert(1)") >= 6
    text = as_markdown(hostile())
    assert re.search(r"(?<!\\)<|(?<!\\)\[x|(?<!\\)`|^# \"d", text, flags=re.MULTILINE) is None
    cells = [line for line in text.splitlines() if line.startswith("| 2026-01-05")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in cells} == {6}


def test_its_policy_allows_its_own_style_sheet_alone() -> None:
    [style] = re.findall(r"<style>(.*?)</style>", as_html(known()), flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in POLICY and "default-src 'none'" in POLICY


@pytest.mark.parametrize(
    ("task", "curves", "sentence"),
    [
        (
            "regression",
            {
                "residuals": [
                    {"rows": 9, "predicted": p, "truth": p + 1, "low": -p, "middle": -1, "high": p}
                    for p in (10.0, 200.0)
                ]
            },
            "It is widest where it predicts about 200.0: there nine of ten are off by -200.0 to",
        ),
        (
            "multiclass",
            {**DETAILS["curves"], "confused": [{"truth": "8", "said": "1", "rows": 3, "of": 40}]},
            "| 8 | 1 | 3 | 40 |",
        ),
    ],
)
def test_numbers_and_many_classes_are_drawn_too(
    task: Task, curves: dict[str, object], sentence: str
) -> None:
    full = known(details={"curves": curves})
    made = replace(full, spec=full.spec.model_copy(update={"task": task}))
    assert sentence in as_markdown(made)
    assert Page(as_html(made)).open == []
