"""The core loop by clicks alone, from the start page on, for everybody who has a part in it; no address is typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import City, Open
from tests.e2e.seed import COMPOUND, PASSWORD
from tests.e2e.walking import FAULTS, WIDTHS


def enter(page: Page, username: str, post: str = "") -> None:
    """Sign in by clicking; whoever holds posts lands in the inbox."""
    page.get_by_role("link", name="登录").click()
    page.get_by_label("账号").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="登录").click()
    if post:
        page.locator(f"button[value={post}]").click()
    expect(page.get_by_role("button", name="退出")).to_be_visible()


def card(page: Page, tab: str, number: str) -> Locator:
    """The case on a list of the inbox."""
    page.get_by_role("link", name="待办", exact=True).click()
    page.get_by_role("link", name=tab, exact=True).click()
    found = page.locator(f"#issue-{number}")
    expect(found).to_be_visible()
    return found


def done(found: Locator, command: str) -> None:
    """A form in the card is sent, and says so."""
    found.get_by_role("button", name=command, exact=True).click()
    expect(found.locator(".done")).to_have_text(f"已完成：{command}")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_case_is_reported_handled_called_back_and_closed_by_clicks(open_page: Open, city: City, width: int) -> None:
    """(part of C09, C12, C28)"""
    name = f"resident-{width}"
    city.operator.do("registry", "register_person", person_id=name, name="林阿姨", place=COMPOUND)
    city.operator.send("accounts", {"username": name, "password": PASSWORD, "person_id": name})

    resident = open_page("/", width)
    enter(resident, name)
    resident.locator("nav").get_by_role("link", name="我要反映").click()
    for place in ("350104.013", "350104.013.002", COMPOUND):
        resident.locator(f"select[name=place]:has(option[value='{place}'])").select_option(place)
        expect(resident.locator(f"select[name=place] option[value='{place}']:checked")).to_have_count(1)
    resident.locator("#category").select_option("drainage")
    resident.locator("#description").fill("井盖松了，车一过就响。")
    resident.get_by_role("button", name="English").click()  # a half-written form keeps its words
    expect(resident.locator("#description")).to_have_value("井盖松了，车一过就响。")
    resident.get_by_role("button", name="中文").click()
    resident.get_by_role("button", name="提交").click()
    number = resident.locator("#case-id").text_content() or ""

    worker = open_page("/", width)
    enter(worker, "lin", "post-lin")
    found = card(worker, "我负责的", number)
    found.get_by_role("link", name="研判").click()
    found.get_by_label("轻重程度").select_option("small")
    found.get_by_label("解决层级").select_option("compound")
    found.get_by_label("理由").fill("现场看过")
    done(found, "研判")

    secretary = open_page("/", width)
    enter(secretary, "chen")
    found = card(secretary, "辖区全部", number)
    found.get_by_role("link", name="派单").click()
    found.get_by_label("岗位").select_option("post-lin")
    found.get_by_label("责任").fill("加固井盖")
    found.get_by_label("工作日天数").fill("3")
    done(found, "派单")

    found = card(worker, "我负责的", number)
    done(found, "接单")
    found.get_by_role("link", name="办结").click()
    found.get_by_label("办理结果").fill("加了垫圈，不响了")
    done(found, "办结")

    other = open_page("/", width)  # somebody else than who handled it calls back
    enter(other, "zheng")
    found = card(other, "待回访销号", number)
    found.get_by_role("link", name="记录回访").click()
    found.get_by_label("未接通").check()
    found.get_by_label("备注").fill("打了两次电话")
    done(found, "记录回访")

    resident.get_by_role("link", name="看这件事的进展").click()  # and the reporter may answer, too
    assert resident.evaluate(FAULTS) == []
    resident.get_by_label("解决了，满意").check()
    resident.get_by_label("您的意见").fill("真的不响了")
    resident.get_by_role("button", name="答复").click()
    expect(resident.locator(".outcome")).to_contain_text("满意")

    found = card(other, "待回访销号", number)
    found.get_by_role("link", name="销号").click()
    found.get_by_label("依据").fill("居民自己说满意")
    done(found, "销号")
    resident.get_by_role("link", name="办事", exact=True).click()
    resident.get_by_role("link", name="只看自己的").click()
    resident.locator(f"#issue-{number}").get_by_role("link").first.click()
    expect(resident.locator("h1")).to_contain_text("已销号")
