"""Journeys through the portal in a real browser, over a real city."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import City, Open
from tests.e2e.seed import COMPOUND, PASSWORD
from tests.e2e.walking import FAULTS, WIDTHS, picture, report, sign_in


@pytest.mark.parametrize("width", WIDTHS)
def test_a_problem_goes_from_report_to_proof(open_page: Open, city: City, width: int) -> None:
    """A resident reports; worker and secretary carry it to its end; everybody can follow and prove it (part of C09, C12, C28, X08)."""
    resident = open_page("/", width)
    resident.get_by_role("link", name="我要反映问题").click()
    number = report(resident, "一层下水管又堵了，污水漫到了门口。")
    resident.get_by_role("link", name="看这件事的进展").click()
    expect(resident.locator("h1")).to_contain_text("下水管网堵塞")
    expect(resident.locator(".accountable")).to_contain_text("燎原社区党委")
    expect(resident.locator("body")).not_to_contain_text("林晓燕")

    worker = open_page("/", width, refused=True)
    sign_in(worker, "lin", "post-lin")
    card = worker.locator(f"#issue-{number}")
    card.get_by_role("link", name="研判").click()
    card.get_by_label("轻重程度").select_option("hard")
    card.get_by_label("解决层级").select_option("area")
    card.get_by_label("理由").fill("入户看过，要协调物业。")
    if width == 1280:
        picture(worker, "inbox", 1150)
    card.get_by_role("button", name="研判").click()
    expect(card.locator(".done")).to_have_text("已完成：研判")

    secretary = open_page("/", width, refused=True)
    sign_in(secretary, "chen")
    secretary.goto("/inbox?list=area")
    card = secretary.locator(f"#issue-{number}")
    card.get_by_role("link", name="派单").click()
    card.get_by_label("岗位").select_option("post-lin")
    card.get_by_label("责任").fill("疏通并查明原因。")
    card.get_by_role("button", name="派单").click()
    expect(card.locator(".refusal")).to_contain_text("请定办理期限")  # a person, a duty and a time limit, or nothing
    expect(card.get_by_label("责任")).to_have_value("疏通并查明原因。")
    card.get_by_label("工作日天数").fill("3")
    card.get_by_role("button", name="派单").click()
    expect(card.locator(".done")).to_have_text("已完成：派单")

    worker.goto("/inbox")
    card = worker.locator(f"#issue-{number}")
    card.get_by_role("button", name="接单").click()
    expect(card.locator(".done")).to_have_text("已完成：接单")
    card.get_by_role("link", name="办结").click()
    card.get_by_label("办理结果").fill("疏通完毕。联系人13812345678。")
    card.get_by_role("button", name="办结").click()
    expect(card.locator(".done")).to_have_text("已完成：办结")
    expect(card.get_by_role("link", name="记录回访")).to_have_count(0)  # somebody else asks

    secretary.goto(f"/work/issues/record_follow_up?issue_id={number}")
    secretary.get_by_label("未接通").check()
    secretary.get_by_role("button", name="记录回访").click()
    expect(secretary.locator(".refusal")).to_contain_text("请说明用什么方式联系过当事人")
    secretary.get_by_label("满意", exact=True).check()
    secretary.get_by_role("button", name="记录回访").click()
    expect(secretary.locator(".done")).to_have_text("已完成：记录回访")

    secretary.goto(f"/work/issues/close_issue?issue_id={number}")
    secretary.get_by_label("依据").fill("居民确认排水正常。")
    secretary.get_by_role("button", name="销号").click()
    expect(secretary.locator(".done")).to_have_text("已完成：销号")

    resident.goto("/")
    resident.get_by_label("查进展").fill(f"  {number.upper()} ")
    resident.get_by_role("button", name="查询").click()
    expect(resident.locator("h1")).to_contain_text("已销号")
    expect(resident.locator(".outcome")).to_contain_text("138****5678")  # masked before it was recorded
    expect(resident.locator(".timeline h3")).to_have_text(["收到反映", "研判", "派单", "接单", "办结", "回访", "销号"])
    expect(resident.locator(".prove")).to_have_count(7)
    assert resident.evaluate(FAULTS) == []
    resident.locator(".prove").nth(2).click()
    expect(resident.locator("#server-verdict")).to_have_text("证明成立")
    expect(resident.locator("#browser-verdict")).to_have_text("证明成立")
    expect(resident.locator("#browser-signed")).to_have_text("签名与公钥相符")


def test_sending_a_report_twice_reports_once(open_page: Open, city: City) -> None:
    page = open_page("/report")
    form = {
        name: page.locator(f"input[name={name}]").get_attribute("value") or "" for name in ("csrf_token", "command_id")
    }
    form |= {"place": COMPOUND, "category": "noise", "description": "深夜装修"}
    before = city.operator.ask("issues", "issue_figures")["collected"]
    first, second = (page.request.post("/report", form=form, max_redirects=0) for _ in range(2))
    assert (first.status, second.status) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    page.goto(first.headers["location"])
    assert city.operator.ask("issues", "issue_figures")["collected"] == before + 1


def test_everything_works_without_javascript(open_page: Open, city: City) -> None:
    page = open_page("/report", 320, scripts=False)
    page.locator("#description").fill("垃圾桶满了")
    for place in ("350104.013", "350104.013.002", COMPOUND):
        page.locator("select[name=place]").last.select_option(place)
        page.get_by_role("button", name="继续选下一级").click()
    assert page.locator("#description").input_value() == "垃圾桶满了"
    page.locator("#category").select_option("clutter")
    page.get_by_role("button", name="提交").click()
    number = page.locator("#case-id").text_content() or ""
    sign_in(page, "lin", "post-lin")
    page.locator(f"#issue-{number}").get_by_role("link", name="研判").click()
    page.get_by_label("轻重程度").select_option("small")
    page.get_by_label("解决层级").select_option("compound")
    page.get_by_label("理由").fill("现场看过")
    page.get_by_role("button", name="研判").click()
    expect(page.locator("p.done")).to_have_text("已完成：研判")
    expect(page.locator(f"#issue-{number}")).to_contain_text("已研判")


def test_money_is_shown_to_the_fen_with_its_share(open_page: Open, city: City) -> None:
    """Income by source and spending by project as numerator, denominator and bar (part of C22, D25, D32, D37)."""
    page = open_page("/disclosure")
    expect(page.locator("section[aria-labelledby=income] .total")).to_have_text("¥\u00a0126,712.83")
    expect(page.locator("section[aria-labelledby=income] .fraction")).to_have_text(
        ["76,800.00\u00a0/ 126,712.83", "25,600.33\u00a0/ 126,712.83", "24,312.50\u00a0/ 126,712.83"]
    )
    expect(page.locator(".as-of")).to_contain_text(re.compile(r"第 \d+ 条记录"))
    page.get_by_role("link", name="榕树里下水管网改造").first.click()
    paid = page.locator(".payment").filter(has_text="第一期工程款")
    expect(paid.locator(".approvals .yes")).to_have_count(5)
    expect(paid).to_contain_text("榕树里监事会")
    expect(page.locator("body")).not_to_contain_text("许文")  # bodies, not persons
    expect(page.locator("section[aria-labelledby=issues] a")).to_have_text("下水管网堵塞")


def test_money_adds_up_on_the_start_page_and_in_each_statement_as_it_was_published(open_page: Open, city: City) -> None:
    """In less out less returned is the balance; a statement does not change with the books (part of C22, D25, D37)."""
    page = open_page("/")
    sums = ["¥\u00a0126,712.83", "¥\u00a054,000.00", "¥\u00a00.00", "¥\u00a072,712.83"]
    expect(page.locator(".notice .sums dd")).to_have_text(sums)
    page.goto(f"/projects/{city.project}")
    statements = page.locator("section[aria-labelledby=statements] a")
    expect(statements).to_have_text(["第 2 期", "第 1 期"])
    for number, told in enumerate((sums, [sums[0], "¥\u00a00.00", "¥\u00a00.00", sums[0]])):
        page.goto(f"/projects/{city.project}")
        statements.nth(number).click()
        expect(page.locator(".sums dd")).to_have_text(told)
    assert page.request.get(page.url.replace(city.project, "elsewhere")).status == 404


def test_amounts_of_receipts_are_seen_on_a_narrow_screen(open_page: Open, city: City) -> None:
    page = open_page(f"/projects/{city.project}", 360)
    amounts = page.locator("section[aria-labelledby=receipts] .right .money")
    expect(amounts).to_have_count(3)
    for amount in amounts.all():
        box = amount.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360


def test_a_wish_is_claimed_by_one_person(open_page: Open) -> None:
    """Whoever is signed in claims; then nobody else can (part of C41, X07)."""
    page = open_page("/wishes")
    card = page.locator("#wish-wish-glasses")
    expect(page.locator("body")).not_to_contain_text("陈阿婆")
    card.get_by_role("link", name="登录后认领").click()
    page.get_by_label("账号").fill("lin")
    page.get_by_label("密码").fill(PASSWORD)
    page.locator("main button").click()
    card.get_by_role("button", name="我来认领").click()
    expect(page.locator("p.done")).to_contain_text("认领成功")
    expect(card.get_by_role("button")).to_have_count(0)
    expect(page.locator("#wish-wish-reading").get_by_role("button")).to_have_count(1)


def test_sessions_and_persons_are_told_apart(open_page: Open) -> None:
    """Two sessions, three person-times, two persons (part of C39, X04)."""
    page = open_page("/volunteer")
    expect(page.locator(".figures .number")).to_have_text(["2", "3", "2", "4"])


def test_the_acting_post_can_be_switched(open_page: Open, city: City) -> None:
    page = open_page("/")
    sign_in(page, "lin", "post-lin")
    page.goto("/inbox?list=area")
    page.locator("#post").select_option("post-lin-street")
    page.get_by_role("button", name="切换").click()
    expect(page).to_have_url(re.compile("list=area"))
    expect(page.locator("#post")).to_have_value("post-lin-street")
    expect(page.locator(f"#issue-{city.issues[0]}")).to_be_visible()
    page.get_by_role("button", name="退出").click()
    page.goto("/inbox")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_a_server_that_fails_is_not_passed_over_in_silence(open_page: Open, city: City) -> None:
    page = open_page("/", refused=True)
    sign_in(page, "chen")
    page.goto("/inbox?list=area")
    page.route("**/work/issues/escalate_issue*", lambda route: route.fulfill(status=500, body="{}"))
    expect(page.locator("#trouble")).to_be_hidden()
    page.get_by_role("link", name="上报上级").first.click()
    expect(page.locator("#trouble")).to_contain_text("再提交一次是安全的")


def test_overdue_cases_are_marked_and_sorted_by_their_time_limit(open_page: Open, city: City) -> None:
    page = open_page("/")
    sign_in(page, "lin", "post-lin")
    expect(page.locator(f"#issue-{city.issues[3]} .late")).to_have_text("已超期")
    expect(page.locator(f"#issue-{city.issues[0]} .late")).to_have_count(0)
    ids = page.locator("article.work").evaluate_all("cards => cards.map((card) => card.id)")
    assert ids.index(f"issue-{city.issues[3]}") < ids.index(f"issue-{city.issues[0]}")
    page.goto(f"/cases/{city.issues[3]}")
    expect(page.locator(".facts .late")).to_have_text("已超期")
