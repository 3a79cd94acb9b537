"""Days of roles by clicks alone, from sign-in on: a bill from request to proof, a volunteer, and who has no account.

These change the sums that tests of pages read, and come after them.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import City, Open
from tests.e2e.seed import COMPOUND, PASSWORD
from tests.e2e.test_loop import enter
from tests.e2e.walking import FAULTS

#: A telephone; and a desk, in the city's tests.
WIDTHS = [360, pytest.param(1280, marks=pytest.mark.city)]


def seen(page: Page) -> None:
    """The page is whole for everybody."""
    assert page.evaluate(FAULTS) == [], page.url


def project(page: Page) -> None:
    """From wherever one is to the page of the project."""
    page.locator("nav").get_by_role("link", name="公开栏").click()
    page.get_by_role("link", name="榕树里下水管网改造").first.click()
    expect(page.locator("h1")).to_contain_text("榕树里下水管网改造")


def bill(page: Page, purpose: str) -> Locator:
    """The payment on the page of the project."""
    found = page.locator("li.payment", has_text=purpose)
    expect(found).to_be_visible()
    return found


def sent(page: Page, command: str) -> None:
    """The form is sent, says so, and one is back at the project by clicking."""
    page.locator("main form").get_by_role("button", name=command, exact=True).click()
    expect(page.locator(".done")).to_have_text(f"已完成：{command}")
    project(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_bill_is_asked_for_reviewed_signed_paid_and_proved(open_page: Open, city: City, width: int) -> None:
    """Requests, three bodies, one signature, cashier, accountant, and somebody who checks (D34, D35, C22)."""
    purpose = f"排水管检测{width}"

    def day(person: str, post: str = "") -> Page:
        page = open_page("/", width)
        enter(page, person, post)
        project(page)
        seen(page)
        return page

    accountant = day("he")
    accountant.get_by_role("link", name="登记收款").click()
    accountant.get_by_label("来源").select_option("residents")
    accountant.get_by_label("交款人", exact=True).fill(f"榕树里业主{width}")
    accountant.get_by_label("金额").fill("10.50")
    sent(accountant, "登记收款")
    expect(accountant.locator("main")).to_contain_text(f"榕树里业主{width}")

    worker = day("lin", "post-lin")
    worker.get_by_role("link", name="申请付款").click()
    seen(worker)
    worker.get_by_label("收款人", exact=True).fill("榕江检测中心")
    worker.get_by_label("用途").fill(purpose)
    worker.get_by_label("金额").fill(f"{width}.00")
    sent(worker, "申请付款")
    expect(bill(worker, purpose)).to_contain_text("待会审")

    for person, body in (("wu", "branch"), ("huang", "committee"), ("xu", "board")):
        signer = day("chen")
        expect(bill(signer, purpose).get_by_role("link", name="签批付款")).to_have_count(
            0
        )  # not before all have reviewed
        signer.context.close()
        reviewer = day(person)
        bill(reviewer, purpose).get_by_role("link", name="会审付款").click()
        seen(reviewer)
        options = reviewer.get_by_label("会审机构").locator("option:not([value=''])")
        expect(options).to_have_count(1)
        reviewer.get_by_label("会审机构").select_option(body)
        reviewer.get_by_label("同意", exact=True).check()
        sent(reviewer, "会审付款")
        expect(bill(reviewer, purpose).get_by_role("link", name="会审付款")).to_have_count(0)

    signer = day("chen")
    bill(signer, purpose).get_by_role("link", name="签批付款").click()
    sent(signer, "签批付款")
    expect(bill(signer, purpose)).to_contain_text("已签批")

    cashier = day("guo")
    bill(cashier, purpose).get_by_role("link", name="付款", exact=True).click()
    sent(cashier, "付款")
    expect(bill(cashier, purpose)).to_contain_text("已付")
    seen(cashier)

    auditor = open_page("/", width)  # anybody may check
    project(auditor)
    auditor.locator("main").get_by_role("link", name="核验").last.click()
    seen(auditor)
    auditor.locator("main").get_by_role("link", name="记账").first.click()
    expect(auditor.locator("#server-verdict")).to_have_text("证明成立")
    seen(auditor)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_resident_becomes_a_volunteer_and_grants_a_wish(open_page: Open, city: City, width: int) -> None:
    name, wish = f"helper-{width}", f"想要一把伞{width}"
    city.operator.do("registry", "register_person", person_id=name, name="林志愿", place=COMPOUND)
    city.operator.send("accounts", {"username": name, "password": PASSWORD, "person_id": name})
    chen = city.operator.as_person("chen")
    id = chen.do("volunteers", "ask_wish", place=COMPOUND, wish="一把伞", wisher="陈阿婆")["id"]
    chen.do("volunteers", "publish_wish", wish_id=id, title=wish)
    page = open_page("/", width)
    enter(page, name)
    page.locator("nav").get_by_role("link", name="心愿墙").click()
    found = page.locator("li.wish", has_text=wish)
    expect(found.get_by_role("button")).to_have_count(0)  # not offered before one is registered
    found.get_by_role("link", name="登记志愿者").click()
    page.get_by_label("名称").fill("林志愿")
    for place in ("350104.013", "350104.013.002", COMPOUND):
        page.locator(f"select[name=home]:has(option[value='{place}'])").select_option(place)
        expect(page.locator(f"select[name=home] option[value='{place}']:checked")).to_have_count(1)
    page.locator("main form button.button").last.click()
    page.locator("nav").get_by_role("link", name="心愿墙").click()
    found.get_by_role("button", name="认领").click()
    expect(page.locator(".done")).to_be_visible()
    seen(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_who_has_no_account_reports_and_comes_back_by_the_private_link(open_page: Open, city: City, width: int) -> None:
    page = open_page("/", width)
    page.locator("nav").get_by_role("link", name="我要反映").click()
    for place in ("350104.013", "350104.013.002", COMPOUND):
        page.locator(f"select[name=place]:has(option[value='{place}'])").select_option(place)
        expect(page.locator(f"select[name=place] option[value='{place}']:checked")).to_have_count(1)
    page.locator("#category").select_option("streetlight")
    page.locator("#description").fill("楼道灯不亮")
    page.get_by_role("button", name="提交").click()
    number, link = page.locator("#case-number").inner_text(), page.locator("#private-link").inner_text()
    seen(page)
    page.reload()
    expect(page.locator("#private-link")).to_have_count(0)  # it is shown once

    phone = open_page(link.removeprefix(city.url), width)  # the one address that is opened: the link that was kept
    expect(phone.locator("#case-number")).to_have_text(number)
    assert link.rpartition("/")[2] not in phone.url
    seen(phone)
    phone.get_by_text("撤回", exact=True).first.click()
    phone.get_by_label("理由").fill("自己换好了")
    phone.get_by_role("button", name="撤回").click()
    expect(phone.locator(".done")).to_have_text("已撤回。")
    seen(phone)

    page.locator("nav").get_by_role("link", name="首页").click()
    page.locator("#number").fill(
        "".join(chr(ord(one) + 0xFEE0) for one in number)
    )  # in full width, as a phone may type it
    page.get_by_role("button", name="查询").click()
    expect(page.locator("h1")).to_contain_text("已撤回")
