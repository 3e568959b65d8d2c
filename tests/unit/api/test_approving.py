"""The page that an alert's link leads to: who may see it, and what its forms do."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from html import unescape
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.context import Context
from perennial.settings import Settings
from tests.samples import open_approval
from tests.seeded import APPROVAL, BAD, seed

OPEN = f"{BAD}.production.1"
COMMENT = "<b>it's \\ fine</b>"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """Records with a question that is open; Temporal is away."""
    settings = Settings.model_validate({"state_dir": tmp_path_factory.mktemp("state")})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
        context = Context.open(settings)
        seed(context.store)
        context.store.open_approval(open_approval(OPEN, BAD, version=2, author="ada<script>"))
        yield context
        context.store.close()


@pytest.fixture
def tokens(context: Context) -> dict[str, str]:
    entries = json.loads(context.settings.tokens.read_text())["tokens"]
    return {entry["role"]: entry["token"] for entry in entries}


class Browser:
    """Opens a page, and sends the forms that it has."""

    def __init__(self, client: httpx.AsyncClient, path: str) -> None:
        self.client, self.path, self.page = client, path, ""
        self.answer: httpx.Response | None = None

    async def open(self) -> str:
        return self._see(await self.client.get(self.path))

    async def send(self, do: str, **fields: str) -> str:
        hidden = re.findall(r'type="hidden" name="(\w+)" value="(\w*)"', self.page)
        form = {**dict(hidden), "do": do, **fields}
        return self._see(await self.client.post(self.path, data=form))

    @property
    def status(self) -> int:
        assert self.answer is not None
        return self.answer.status_code

    def _see(self, answer: httpx.Response) -> str:
        self.answer, self.page = answer, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert not re.search(r"<(script|img|link|iframe)|@import|url\(|style=| on\w+=", answer.text)
        return answer.text


@pytest.fixture
async def browser(context: Context) -> AsyncIterator[Browser]:
    app = create_app(context)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://api", follow_redirects=True
        ) as client,
    ):
        yield Browser(client, f"/approve/{OPEN}")


async def test_nobody_sees_a_question_without_a_token(
    browser: Browser, tokens: dict[str, str]
) -> None:
    for path in (f"/approve/{OPEN}", "/approve/nothing-such"):
        browser.path = path
        page = await browser.open()
        assert (browser.status, "Your token" in page, "flights" in page) == (200, True, False)
    for wrong in ("", "wrong", tokens["admin"] + "x"):
        page = await browser.send("login", token=wrong)
        assert browser.status == 401 and "Nobody has this token" in page
        assert not browser.client.cookies
    assert "You were logged out" in await browser.send("approve")
    assert browser.status == 401


async def test_a_token_is_asked_for_once_and_kept_nowhere(
    browser: Browser, tokens: dict[str, str]
) -> None:
    page = await browser.send("login", token=f" {tokens['approver']} ")
    assert browser.status == 200
    assert "May version 2 of flights go into production?" in page
    assert "approver, approver" in page and "0.5500" in page
    assert "ada&lt;script&gt;" in page
    assert browser.answer is not None
    [login] = browser.answer.history
    assert (login.status_code, login.headers["location"]) == (303, browser.path)
    cookie = login.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Secure", "Max-Age=1800"))
    kept = browser.client.cookies["perennial-approve"]
    assert all(token not in page + kept for token in tokens.values())
    await browser.send("leave")
    assert "Your token" in browser.page and not browser.client.cookies


@pytest.mark.parametrize("change", ["seal", "name", "late", "nonsense", "none"])
async def test_a_cookie_that_was_changed_is_none(
    browser: Browser, tokens: dict[str, str], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.send("login", token=tokens["viewer"])
    kept = browser.client.cookies["perennial-approve"]
    name, until, seal = kept.split(".")
    changed = {
        "seal": f"{name}.{until}.{'0' * 64}",
        "name": f"YWRtaW4=.{until}.{seal}",
        "late": f"{name}.{int(until) + 1}.{seal}",
        "nonsense": "a.b",
        "none": kept,
    }
    browser.client.cookies.clear()
    browser.client.cookies.set("perennial-approve", changed[change])
    assert ("Your token" in await browser.open()) == (change != "none")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1801)
    assert "Your token" in await browser.open()


async def test_a_vote_goes_by_the_code_of_the_interface(
    browser: Browser, context: Context, tokens: dict[str, str]
) -> None:
    await browser.send("login", token=tokens["viewer"])
    assert 'value="approve"' not in browser.page and "has the role viewer" in browser.page
    await browser.send("login", token=tokens["approver"])
    assert 'value="approve"' in browser.page
    told = await browser.send("approve", comment=COMMENT)
    # the run is in Temporal, which is away: nothing else stands between the form and it
    assert browser.status == 503 and "Temporal does not answer" in unescape(told)


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"seal": "0" * 64}, 403, "none of this page"),
        ({"seal": ""}, 403, "none of this page"),
        ({"evidence": "0" * 64}, 403, "none of this page"),
        ({"do": "delete"}, 403, "none of this page"),
        ({"comment": "x" * 2001}, 422, "at most 2000 characters"),
        ({"comment": "\0"}, 422, "Nothing was voted"),
    ],
)
async def test_a_form_that_is_not_the_pages_own_is_no_vote(
    browser: Browser, tokens: dict[str, str], changes: dict[str, str], status: int, said: str
) -> None:
    await browser.send("login", token=tokens["approver"])
    page = await browser.send(**{"do": "approve", **changes})
    assert (browser.status, said in page) == (status, True), page
    assert "May version 2 of flights go into production?" in page


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"content-type": "application/json"}]
)
async def test_a_form_from_elsewhere_is_refused(
    browser: Browser, tokens: dict[str, str], headers: dict[str, Any]
) -> None:
    sent = {"content-type": "application/x-www-form-urlencoded", **headers}
    answer = await browser.client.post(
        browser.path, content=f"do=login&token={tokens['admin']}", headers=sent
    )
    assert answer.status_code == 403 and not browser.client.cookies


async def test_a_question_that_is_decided_says_so(browser: Browser, tokens: dict[str, str]) -> None:
    browser.path = f"/approve/{APPROVAL}"
    page = await browser.send("login", token=tokens["approver"])
    assert "This question is decided: approved at 2026-01-05" in page
    assert "approver says yes" in page and 'value="approve"' not in page


async def test_there_is_no_such_question(browser: Browser, tokens: dict[str, str]) -> None:
    browser.path = "/approve/nothing-such"
    page = await browser.send("login", token=tokens["approver"])
    assert browser.status == 404 and "there is no approval" in unescape(page)


async def test_a_rollout_has_such_a_page_too(browser: Browser, tokens: dict[str, str]) -> None:
    browser.path = "/rule/flights/production"
    page = await browser.open()
    assert "Your token" in page and "flights" not in page
    page = await browser.send("login", token=tokens["approver"])
    assert browser.status == 200 and "No version of flights is rolled out in production" in page
    assert "champion" in page and 'value="on"' not in page, "there is nothing to rule on"
    told = await browser.send("on", seal="0" * 64)
    assert browser.status == 403 and "nothing was decided" in told
    browser.path = "/rule/nobody/production"
    page = await browser.send("login", token=tokens["approver"])
    assert browser.status == 404 and "That did not work" in page
