"""What every page of the portal owes its readers: it fits, it is light, it speaks both languages, it says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Response, Route, expect

from services.gateway.contracts import DEFINITIONS
from tests.e2e.conftest import ROOT, City, Open
from tests.e2e.seed import COMPOUND
from tests.e2e.walking import FAULTS, WIDTHS, picture, sign_in


def altered(change: Callable[[str], str], route: Route) -> None:
    """Pass a page on with something changed on the way."""
    answer = route.fetch()
    text = answer.text()
    route.fulfill(response=answer, body=change(text)) if change(text) != text else route.abort()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_page_fits_and_is_usable_by_all(open_page: Open, city: City, width: int, locale: str) -> None:
    """No page scrolls sideways, lacks a label or complains on the console, at either width and in either language."""
    page = open_page("/", width, locale)
    event = city.operator.ask("audit", "find_entries", stream=f"issues/issue-{city.issues[1]}", limit=1)["rows"][0]
    told = city.operator.ask("funding", "find_statements", project_id=city.project, limit=1)["rows"][0]["statement_id"]
    paths = ["/", "/report", "/cases", f"/cases/{city.issues[1]}", "/disclosure", f"/projects/{city.project}", "/audit",
             f"/audit?stream=issues/issue-{city.issues[1]}", f"/audit/events/{event['event_id']}", "/wishes", "/volunteer",
             "/sign-in", f"/report/{city.issues[0]}/received", f"/projects/{city.project}/statements/{told}"]  # fmt: skip
    for path in paths:
        page.goto(path)
        assert page.evaluate(FAULTS) == [], path
        assert page.locator("html").get_attribute("lang") == ("zh-CN" if locale == "zh-CN" else "en")
    sign_in(page, "chen")
    forms = [
        f"/work/{service}/{name}"
        for service, definition in DEFINITIONS.items()
        for name in (
            *definition.commands,
            *(name for name, query in definition.queries.items() if name.startswith("find_") and not query.power),
        )
    ]
    things = [f"/work/issues/issue/{city.issues[0]}", f"/work/issues/triage_issue?issue_id={city.issues[0]}"]
    for path in ["/account", "/inbox", "/inbox?list=area", "/inbox?list=answered", "/work", *things, *forms]:
        page.goto(path)
        assert page.evaluate(FAULTS) == [], path


def test_a_changed_letter_is_not_proved(open_page: Open, city: City) -> None:
    """The browser computes for itself: an entry, a path or a checkpoint that somebody changed on the way is not proved."""
    page = open_page("/audit")
    link = page.locator(".entry a").first.get_attribute("href")
    for name, change in (
        (
            "included",
            lambda text: text.replace("&#34;specversion\\&#34;:\\&#34;1.0", "&#34;specversion\\&#34;:\\&#34;1.1"),
        ),
        (
            "signed",
            lambda text: re.sub(r"(city-ledger\\n)(\d)", lambda found: found[1] + str(int(found[2]) % 9 + 1), text),
        ),
    ):
        page.route("**/audit/events/*", partial(altered, change))
        page.goto(str(link))
        expect(page.locator("#browser-verdict")).to_have_text("证明不成立")
        expect(page.locator(f"#browser-{name}")).to_have_class("no")
        page.unroute("**/audit/events/*")


def test_the_language_is_kept_and_the_browsers_wish_respected(open_page: Open) -> None:
    page = open_page("/disclosure?place=350104", locale="en-US")
    expect(page.locator("h1")).to_have_text("Disclosure board")
    page.get_by_role("link", name="中文").click()
    expect(page).to_have_url(re.compile(r"/disclosure\?place=350104$"))
    expect(page.locator("h1")).to_have_text("公开栏")
    page.goto("/wishes")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    for elsewhere in ("https://example.org/", "//example.org/", "/\\example.org"):
        answer = page.request.get("/language/en", params={"to": elsewhere}, max_redirects=0)
        assert answer.headers["location"] == "/"


def test_the_first_page_is_light_and_nothing_comes_from_elsewhere(open_page: Open, city: City) -> None:
    page = open_page("/sign-in")
    seen: list[Response] = []
    page.on("response", lambda answer: seen.append(answer))
    page.goto("/", wait_until="networkidle")
    addresses = {answer.url for answer in seen}
    assert all(address.startswith(city.url) for address in addresses)
    assert len(addresses) >= 5  # page, style, two scripts, pictures
    assert sum(len(page.request.get(address).body()) for address in addresses) <= 300_000
    first = page.request.get("/")
    policy = first.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|<style|\son[a-z]+=", first.text())


def test_the_keyboard_comes_first_to_the_content(open_page: Open) -> None:
    page = open_page("/report")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_refusals_are_told_in_plain_words(open_page: Open, city: City) -> None:
    page = open_page("/nowhere", refused=True)
    expect(page.locator("h1")).to_have_text("没有找到")
    assert page.evaluate(FAULTS) == []
    assert page.request.get("/cases/none", headers={"Accept": "text/html"}).status == 404
    stale = page.request.post("/report", form={"place": COMPOUND, "csrf_token": "old"}, headers={"Accept": "text/html"})
    assert stale.status == 403 and "页面已经过期" in stale.text()
    page.goto("/cases?number=abc")
    expect(page.locator(".refusal")).to_contain_text("没有找到这个编号")
    page.goto("/sign-in")
    page.get_by_label("账号").fill("lin")
    page.get_by_label("密码").fill("wrong")
    page.locator("main button").click()
    expect(page.locator(".refusal")).to_contain_text("账号或密码不对")
    sign_in(page, "chen")
    page.goto(f"/work/issues/close_issue?issue_id={city.issues[0]}")
    expect(page.locator(".refusal")).to_contain_text("这一步现在不能办")


def test_pictures_for_the_readme(open_page: Open, city: City) -> None:
    """The start page and a case as they are shown in the README; kept only when LINLI_SCREENSHOTS is set."""
    page = open_page("/")
    expect(page.locator(".figure")).to_have_count(4)
    picture(page, "start")
    page = open_page(f"/cases/{city.issues[1]}")
    expect(page.locator(".timeline .step")).to_have_count(10)
    picture(page, "case")
    assert all(path.stat().st_size < 200_000 for path in Path(ROOT / "docs/images").glob("*.png"))
