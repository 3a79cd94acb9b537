"""Days of a department's and a street's staff by clicks alone: from sign-in to a closed case and a paid bill.

On a phone in Chinese; at a desk in English in the city's tests. They come after the tests that read sums.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import partial

import pytest
from playwright.sync_api import expect

from services.gateway.portal.language import yuan
from shared.domain.calendar import today
from tests.e2e.conftest import City
from tests.e2e.desk import READERS, SitDown
from tests.e2e.seed import COMPOUND, Api


def reported(city: City, text: str) -> str:
    """A case that the community's secretary judged and that nobody has been sent yet."""
    lin = city.operator.as_person("lin")
    case = Api(city.url, "", "", city.operator.positions).do(
        "issues", "report_issue", place=COMPOUND, category="streetlight", description=text
    )
    lin.do("issues", "triage_issue", issue_id=case["id"], severity="hard", tier="area", reason="要找住建办。")
    return str(case["id"])


def overdue(city: City, text: str) -> str:
    """A case from the register of before whose time limit is long over."""
    one, chen, lin = Api(city.url), city.operator.as_person("chen"), city.operator.as_person("lin")
    for api in (one, chen, lin):
        api.occurred, api.importer = "2026-03-02T09:00:00+08:00", city.operator.token
    id = one.do("issues", "report_issue", place=COMPOUND, category="drainage", description=text)["id"]
    chen.positions = lin.positions = one.positions
    lin.do("issues", "triage_issue", issue_id=id, severity="small", tier="compound", reason="现场看过。")
    chen.do("issues", "dispatch_issue", issue_id=id, post_id="post-lin", due="2026-03-06", duty="疏通。")
    return str(id)


@pytest.mark.parametrize("width, locale", READERS)
def test_a_department_takes_on_sends_back_and_resolves_what_it_was_sent(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """Somebody else calls back and closes (part of C08, C09, C12)."""
    ours, not_ours = reported(city, f"北门路灯不亮{width}"), reported(city, f"树枝挡住路灯{width}")
    later = (date.fromisoformat(today()) + timedelta(days=20)).isoformat()
    qiu = city.operator.as_person("qiu")
    for id in (ours, not_ours):
        qiu.do("issues", "dispatch_issue", issue_id=id, post_id="post-fang", working_days=3, duty="派人修好路灯。")

    clerk = sit_down("fang", width, locale)
    expect(clerk.page.locator(".tabs a")).to_contain_text(
        [clerk.t(f"inbox.list.{one}") for one in ("mine", "body", "area")]
    )
    wrong = clerk.card("body", f"issue-{not_ours}")
    clerk.offers(wrong, "accept_issue", "resolve_issue", "return_issue", "ask_extension")
    clerk.give(wrong, "return_issue", partial(clerk.type, reason="树归园林队修剪，不归住建办。"))
    clerk.queue("mine")
    expect(clerk.page.locator(f"#issue-{not_ours}")).to_have_count(0)

    found = clerk.card("mine", f"issue-{ours}")
    clerk.give(found, "accept_issue")
    clerk.offers(found, "resolve_issue", "return_issue", "ask_extension")
    clerk.give(found, "ask_extension", partial(clerk.type, due=later, reason="配件要等几天。"))
    expect(found).to_contain_text(clerk.label("asked_due"))

    street = sit_down("qiu", width, locale)
    asked = street.card("extensions", f"issue-{ours}")
    street.offers(asked, "extend_issue", "dispatch_issue", "decline_extension")
    expect(asked).to_contain_text("配件要等几天。")
    street.give(asked, "extend_issue", partial(street.type, reason="同意按申请的日期。"))
    expect(asked).not_to_contain_text(street.label("asked_due"))

    found = clerk.card("mine", f"issue-{ours}")
    expect(found.locator("dl")).not_to_contain_text(clerk.label("asked_due"))
    clerk.give(found, "resolve_issue", partial(clerk.type, outcome="换了两盏灯，夜里试亮正常。"))
    clerk.offers(found)  # whoever resolved it does not say themselves that it is well
    found.get_by_role("link").first.click()
    clerk.seen()

    sent_back = street.card("mine", f"issue-{not_ours}")
    street.offers(sent_back, "dispatch_issue", "triage_issue")
    found = street.card("answered", f"issue-{ours}")
    street.give(
        found, "record_follow_up", lambda form: form.get_by_text(street.word("result", "satisfied"), exact=True).check()
    )
    street.give(found, "close_issue", partial(street.type, because="居民确认灯都亮了。"))

    clerk.page.reload()
    expect(clerk.page.locator("h1")).to_contain_text(clerk.word("issue status", "closed"))
    clerk.seen()


@pytest.mark.parametrize("width, locale", READERS)
def test_a_street_sends_out_watches_calls_back_and_reviews_a_bill_that_is_paid(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """From what nobody has been sent yet to a closed case; and a bill from request to what is published (part of C12, D34)."""
    new, late, up = (
        reported(city, f"南门路灯不亮{width}"),
        overdue(city, f"下水管堵{width}"),
        reported(city, f"主管道塌了{width}"),
    )
    lin = city.operator.as_person("lin")
    lin.do("issues", "escalate_issue", issue_id=up, to_post="post-zheng", reason="要挖路，社区办不了。")
    later = (date.fromisoformat(today()) + timedelta(days=20)).isoformat()
    purpose, fen = f"路灯改造{width}", width * 100
    asked = {"project_id": city.project, "payee": "榕江照明公司", "purpose": purpose, "amount_fen": fen}
    payment = lin.do("funding", "request_payment", **asked)["payment_id"]

    street = sit_down("qiu", width, locale)
    expect(street.page.locator(".tabs a")).to_contain_text(
        [
            street.t(f"inbox.list.{one}")
            for one in ("mine", "body", "unassigned", "overdue", "extensions", "answered", "payments", "area")
        ]
    )
    found = street.card("unassigned", f"issue-{new}")
    found.get_by_role("link", name=street.command("dispatch_issue"), exact=True).click()
    found.get_by_label(street.label("post_id")).select_option("post-fang")
    street.type(found, duty="修好南门路灯")
    street.refused(
        found, "dispatch_issue", street.sentence("give a time limit: either its last day or a number of working days")
    )
    street.type(found, working_days="3")
    street.give(found, "dispatch_issue")

    found = street.card("overdue", f"issue-{late}")
    expect(found.locator(".late")).to_have_text(street.t("overdue"))
    street.give(found, "extend_issue", partial(street.type, reason="要等管件到货。", working_days="5"))
    expect(found.locator(".late")).to_have_count(0)

    found = street.card("body", f"issue-{up}")
    found.get_by_role("link", name=street.command("dispatch_issue"), exact=True).click()
    found.get_by_label(street.label("post_id")).select_option("post-fang")
    street.type(found, duty="抢修主管道", working_days="2")
    street.give(found, "dispatch_issue")

    fang = city.operator.as_person("fang")
    fang.do("issues", "ask_extension", issue_id=up, due=later, reason="想晚几天。")
    found = street.card("extensions", f"issue-{up}")
    street.give(found, "decline_extension", partial(street.type, reason="主管道不能等。"))
    street.queue("extensions")
    expect(street.page.locator(f"#issue-{up}")).to_have_count(0)
    fang.do("issues", "accept_issue", issue_id=new)
    fang.do("issues", "resolve_issue", issue_id=new, outcome="换了灯。")
    found = street.card("answered", f"issue-{new}")
    street.give(
        found, "record_follow_up", lambda form: form.get_by_text(street.word("result", "satisfied"), exact=True).check()
    )
    street.give(found, "close_issue", partial(street.type, because="居民确认灯亮了。"))

    found = street.card("payments", f"payment-{payment}")
    expect(found).to_contain_text(purpose)
    street.offers(found, "review_payment")
    found.get_by_role("link", name=street.command("review_payment"), exact=True).click()
    found.get_by_text(street.word("verdict", "rejected"), exact=True).check()
    street.refused(
        found,
        "review_payment",
        street.sentence("a rejection needs a reason, so that the applicant knows what to amend"),
    )
    found.get_by_text(street.word("verdict", "approved"), exact=True).check()
    street.give(found, "review_payment")
    street.queue("payments")
    expect(street.page.locator(f"#payment-{payment}")).to_have_count(0)  # the next step is somebody else's

    read = {"project_id": city.project, "payment_id": payment, "version": 1, "amount_fen": fen}
    for person, body in (("huang", "committee"), ("xu", "board")):
        city.operator.as_person(person).do("funding", "review_payment", **read, body=body, verdict="approved")
    chen = city.operator.as_person("chen")
    chen.do("funding", "sign_payment", **read)
    city.operator.as_person("guo").do("funding", "make_payment", project_id=city.project, payment_id=payment)
    told = chen.do("funding", "disclose_statement", project_id=city.project)["id"]

    street.menu("disclosure")
    street.page.locator("main a[href^='/projects/']:not([href*=statements])").first.click()
    street.seen()
    paid = street.page.locator("li.payment", has_text=purpose)
    expect(paid).to_contain_text(street.word("payment status", "paid"))
    expect(paid.locator(".approvals .yes")).to_have_count(5)
    street.page.locator("section[aria-labelledby=statements] a").first.click()
    expect(street.page).to_have_url(re.compile(f"{told}$"))
    spent = sum(chen.ask("funding", "get_statement", statement_id=told)["spending"].values())
    assert spent >= fen
    expect(street.page.locator(".sums")).to_contain_text(yuan(spent))
    street.seen()
