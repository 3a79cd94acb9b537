"""Days of roles by clicks alone, from sign-in on: a bill from request to proof, a volunteer, and who has no account.

These change the sums that tests of pages read, and come after them.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.conftest import City, Open
from tests.e2e.desk import READERS, Desk, SitDown
from tests.e2e.seed import COMPOUND, PASSWORD
from tests.e2e.walking import FAULTS

PROJECT = {"zh": "榕树里下水管网改造", "en": "New drains for Rongshuli"}
PLACES = ("350104.013", "350104.013.002", COMPOUND)


def project(desk: Desk) -> None:
    """From wherever one is to the page of the project."""
    desk.menu("disclosure")
    desk.page.get_by_role("link", name=PROJECT[desk.language]).first.click()
    expect(desk.page.locator("h1")).to_contain_text(PROJECT[desk.language])
    desk.seen()


def bill(desk: Desk, purpose: str) -> Locator:
    """The payment on the page of the project."""
    found = desk.page.locator("li.payment", has_text=purpose)
    expect(found).to_be_visible()
    return found


def begin(desk: Desk, found: Locator, command: str) -> None:
    found.get_by_role("link", name=desk.command(command), exact=True).click()
    desk.seen()


def sent(desk: Desk, command: str) -> None:
    """The form is sent, says so, and one is back at the project by clicking."""
    desk.send(command)
    project(desk)


@pytest.mark.parametrize("width, locale", READERS)
def test_a_bill_is_asked_for_reviewed_signed_paid_and_proved(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """The days of accountant, grid worker, branch secretary, head of the committee, board chair, signer and cashier (D34, D35, C22)."""
    purpose = f"排水管检测{width}"

    def day(person: str, post: str = "") -> Desk:
        desk = sit_down(person, width, locale, post)
        project(desk)
        return desk

    accountant = day("he")
    page = accountant.page
    expect(page.get_by_role("link", name=accountant.command("make_payment"), exact=True)).to_have_count(0)
    begin(accountant, page.locator("main"), "record_receipt")
    page.get_by_label(accountant.label("source")).select_option("residents")
    accountant.type(page.locator("main"), amount_fen="10.50")
    page.locator("#f-payer").fill(f"榕树里业主{width}")
    sent(accountant, "record_receipt")
    expect(page.locator("main")).to_contain_text(f"榕树里业主{width}")

    worker = day("lin", "post-lin")
    begin(worker, worker.page.locator("main"), "request_payment")
    worker.page.locator("#f-payee").fill("榕江检测中心")
    worker.type(worker.page.locator("main"), purpose=purpose, amount_fen=f"{width}.00")
    sent(worker, "request_payment")
    expect(bill(worker, purpose)).to_contain_text(worker.word("payment status", "requested"))

    for person, body in (("wu", "branch"), ("huang", "committee"), ("xu", "board")):
        signer = day("chen")
        early = bill(signer, purpose).get_by_role("link", name=signer.command("sign_payment"), exact=True)
        expect(early).to_have_count(0)  # not before all have reviewed
        signer.page.context.close()
        reviewer = day(person)
        begin(reviewer, bill(reviewer, purpose), "review_payment")
        body_field = reviewer.page.locator("select[name=body]")
        expect(body_field.locator("option:not([value=''])")).to_have_count(1)
        body_field.select_option(body)
        reviewer.page.get_by_label(reviewer.word("verdict", "approved"), exact=True).check()
        sent(reviewer, "review_payment")
        again = bill(reviewer, purpose).get_by_role("link", name=reviewer.command("review_payment"), exact=True)
        expect(again).to_have_count(0)

    signer = day("chen")
    begin(signer, bill(signer, purpose), "sign_payment")
    sent(signer, "sign_payment")
    expect(bill(signer, purpose)).to_contain_text(signer.word("payment status", "signed"))

    cashier = day("guo")
    receipts = cashier.page.get_by_role("link", name=cashier.command("record_receipt"), exact=True)
    expect(receipts).to_have_count(0)  # who pays does not keep the books
    begin(cashier, bill(cashier, purpose), "make_payment")
    sent(cashier, "make_payment")
    expect(bill(cashier, purpose)).to_contain_text(cashier.word("payment status", "paid"))

    anybody = sit_down("", width, locale)  # may check
    project(anybody)
    page = anybody.page
    page.locator("main").get_by_role("link", name=anybody.t("menu.audit")).last.click()
    anybody.seen()
    page.locator("main .entry a").first.click()
    expect(page.locator("#server-verdict")).to_have_text(anybody.t("proof.yes"))
    anybody.seen()


@pytest.mark.parametrize("width, locale", READERS)
def test_a_resident_becomes_a_volunteer_and_grants_a_wish(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """The day of a volunteer."""
    name, wish = f"helper-{width}", f"想要一把伞{width}"
    city.operator.do("registry", "register_person", person_id=name, name="林志愿", place=COMPOUND)
    city.operator.send("accounts", {"username": name, "password": PASSWORD, "person_id": name})
    chen = city.operator.as_person("chen")
    id = chen.do("volunteers", "ask_wish", place=COMPOUND, wish="一把伞", wisher="陈阿婆")["id"]
    chen.do("volunteers", "publish_wish", wish_id=id, title=wish)
    desk = sit_down(name, width, locale)
    page = desk.page
    desk.menu("wishes")
    found = page.locator("li.wish", has_text=wish)
    expect(found.get_by_role("button")).to_have_count(0)  # not offered before one is registered
    begin(desk, found, "register_volunteer")
    page.locator("#f-name").fill("林志愿")
    desk.place("home", *PLACES)
    page.locator("main form button.button").last.click()
    desk.menu("wishes")
    found.get_by_role("button", name=desk.t("wishes.claim")).click()
    expect(page.locator(".done")).to_be_visible()
    desk.seen()


@pytest.mark.parametrize("width, locale", READERS)
def test_who_has_no_account_reports_and_comes_back_by_the_private_link(
    open_page: Open, sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """The day of somebody without an account."""
    desk = sit_down("", width, locale)
    page = desk.page
    desk.menu("report")
    desk.place("place", *PLACES)
    page.locator("#category").select_option("streetlight")
    page.locator("#description").fill("楼道灯不亮")
    page.get_by_role("button", name=desk.t("report.send")).click()
    number, link = page.locator("#case-number").inner_text(), page.locator("#private-link").inner_text()
    desk.seen()
    page.reload()
    expect(page.locator("#private-link")).to_have_count(0)  # it is shown once

    # the one address that is opened: the link that was kept
    phone = open_page(link.removeprefix(city.url), width, locale)
    expect(phone.locator("#case-number")).to_have_text(number)
    assert link.rpartition("/")[2] not in phone.url
    assert phone.evaluate(FAULTS) == []
    phone.locator("summary", has_text=desk.t("private.withdraw_issue")).click()
    phone.get_by_label(desk.t("private.reason")).fill("自己换好了")
    phone.get_by_role("button", name=desk.t("private.withdraw_issue")).click()
    expect(phone.locator(".done")).to_have_text(desk.t("private.done.withdraw_issue"))
    assert phone.evaluate(FAULTS) == []

    desk.menu("start")
    page.locator("#number").fill(
        "".join(chr(ord(one) + 0xFEE0) for one in number)
    )  # in full width, as a phone may type it
    page.get_by_role("button", name=desk.t("find.go")).click()
    expect(page.locator("h1")).to_contain_text(desk.word("issue status", "withdrawn"))
