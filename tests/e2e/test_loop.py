"""The core loop by clicks alone, from the start page on, for everybody who has a part in it; no address is typed."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import City
from tests.e2e.desk import READERS, SitDown
from tests.e2e.seed import COMPOUND, PASSWORD


@pytest.mark.parametrize("width, locale", READERS)
def test_a_case_is_reported_handled_called_back_and_closed_by_clicks(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """The days of a resident, a grid worker, a community's secretary and a community's worker (part of C09, C12, C28)."""
    name = f"resident-{width}"
    city.operator.do("registry", "register_person", person_id=name, name="林阿姨", place=COMPOUND)
    city.operator.send("accounts", {"username": name, "password": PASSWORD, "person_id": name})

    resident = sit_down(name, width, locale)
    resident.menu("report")
    page = resident.page
    resident.place("place", "350104.013", "350104.013.002", COMPOUND)
    page.locator("#category").select_option("drainage")
    page.locator("#description").fill("井盖松了，车一过就响。")
    for language in ("English", "中文") if resident.language == "zh" else ("中文", "English"):
        page.get_by_role("button", name=language).click()  # a half-written form keeps its words
        expect(page.locator("#description")).to_have_value("井盖松了，车一过就响。")
    page.get_by_role("button", name=resident.t("report.send")).click()
    number = page.locator("#case-id").text_content() or ""

    worker = sit_down("lin", width, locale, "post-lin")
    found = worker.card("mine", f"issue-{number}")
    found.get_by_role("link", name=worker.command("triage_issue"), exact=True).click()
    found.get_by_label(worker.label("severity")).select_option("small")
    found.get_by_label(worker.label("tier")).select_option("compound")
    worker.type(found, reason="现场看过")
    worker.give(found, "triage_issue")

    secretary = sit_down("chen", width, locale)
    found = secretary.card("unassigned", f"issue-{number}")
    expect(found.locator(".actions > *").first).to_have_text(secretary.command("dispatch_issue"))  # what comes next
    found.get_by_role("link", name=secretary.command("dispatch_issue"), exact=True).click()
    found.get_by_label(secretary.label("post_id")).select_option("post-lin")
    secretary.type(found, duty="加固井盖", working_days="3")
    secretary.give(found, "dispatch_issue")

    found = worker.card("mine", f"issue-{number}")
    worker.give(found, "accept_issue")
    worker.give(found, "resolve_issue", partial(worker.type, outcome="加了垫圈，不响了"))

    other = sit_down("luo", width, locale)  # somebody else than who handled it calls back
    found = other.card("answered", f"issue-{number}")
    found.get_by_role("link", name=other.command("record_follow_up"), exact=True).click()
    found.get_by_text(other.word("result", "unreachable"), exact=True).check()
    other.type(found, note="打了两次电话")
    other.give(found, "record_follow_up")

    page.get_by_role("link", name=resident.t("received.open")).click()  # and the reporter may answer, too
    resident.seen()
    page.get_by_label(resident.t("case.ask.satisfied")).check()
    page.get_by_label(resident.t("case.ask.note")).fill("真的不响了")
    page.get_by_role("button", name=resident.t("case.ask.send")).click()
    expect(page.locator(".outcome")).to_contain_text(resident.word("result", "satisfied"))

    found = other.card("answered", f"issue-{number}")
    other.give(found, "close_issue", partial(other.type, because="居民自己说满意"))
    resident.menu("work")
    page.get_by_role("link", name=resident.label("mine"), exact=True).click()
    page.locator(f"#issue-{number}").get_by_role("link").first.click()
    expect(page.locator("h1")).to_contain_text(resident.word("issue status", "closed"))
