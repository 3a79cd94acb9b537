"""Days of those whom the loop and the bill do not show: by clicks alone, from sign-in on.

They come after the tests that read sums and lists.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Locator, expect

from shared.domain.calendar import today
from tests.e2e.conftest import City
from tests.e2e.desk import READERS, Desk, SitDown
from tests.e2e.seed import COMPOUND, PASSWORD

BUILDING = ("350104.013", "350104.013.002", COMPOUND, f"{COMPOUND}.01")
FIRST, OWN = "violet kettle 73 harbour", "marble onion 58 lantern"


def person(city: City, id: str, name: str) -> None:
    """A registered person with an account."""
    city.operator.do("registry", "register_person", person_id=id, name=name, place=COMPOUND)
    city.operator.send("accounts", {"username": id, "password": PASSWORD, "person_id": id})


def listed(desk: Desk, name: str, box: str) -> Locator:
    """A thing on a list that the page of work leads to."""
    desk.work(name)
    found = desk.page.locator(f"article[id*='{box}']")
    expect(found).to_have_count(1)
    return found


@pytest.mark.parametrize("width, locale", READERS)
def test_a_head_of_building_visits_reports_and_settles_what_the_building_can(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """The day of a head of building: a visit, a report from it, and a case that was sent to the post."""
    text = f"{width}号井盖松了"
    head = sit_down("song", width, locale)
    main = head.page.locator("main")
    head.work("record_visit")
    head.place("place", *BUILDING)
    head.type(main, visited_on=today(), household="一层东户", opinions="1")
    head.send("record_visit")

    head.work("report_issue")
    head.place("place", *BUILDING)
    main.get_by_label(head.label("category")).select_option("drainage")
    head.type(main, description=text)
    head.send("report_issue")
    id = (main.locator("article").get_attribute("id") or "").removeprefix("issue-")
    chen = city.operator.as_person("chen")
    chen.do("issues", "triage_issue", issue_id=id, severity="small", tier="compound", reason="楼里能办。")
    chen.do("issues", "dispatch_issue", issue_id=id, post_id="post-song", working_days=3, duty="找人垫稳。")

    found = head.card("mine", f"issue-{id}")
    head.give(found, "accept_issue")
    found.get_by_role("link", name=head.command("resolve_issue"), exact=True).click()
    head.type(found, outcome="垫了橡胶圈，不响了。")
    found.get_by_role("button", name=head.command("resolve_issue"), exact=True).click()
    expect(found.locator(".done")).to_be_visible()
    expect(found).to_contain_text(head.word("issue status", "resolved"))
    head.seen()


@pytest.mark.parametrize("width, locale", READERS)
def test_a_team_leader_holds_an_activity_and_records_who_came(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """The days of a team's leader and of a volunteer: planned, held, attended; the volunteer sees their own minutes (part of C39)."""
    helper, title = f"hand-{width}", f"楼道清洁{width}"
    person(city, helper, f"林来{width}")
    city.operator.as_person("chen").do("volunteers", "register_volunteer", person_id=helper, name="林来", home=COMPOUND)
    day = (date.fromisoformat(today()) - timedelta(days=2)).isoformat()
    leader = sit_down("gao", width, locale)
    main = leader.page.locator("main")
    leader.work("plan_activity")
    leader.place("place", *BUILDING[:3])
    main.get_by_label(leader.label("kind")).select_option("service")
    leader.type(main, title=title, starts=f"{day}T09:{width % 60:02d}")
    leader.send("plan_activity")
    main.get_by_role("link", name=leader.command("hold_activity"), exact=True).click()
    leader.send("hold_activity")
    main.get_by_role("link", name=leader.command("record_attendance"), exact=True).click()
    leader.seen()
    who = main.locator("[name='attendances.0.person_id']")
    who.select_option(helper) if who.evaluate("one => one.tagName") == "SELECT" else who.fill(helper)
    main.locator("[name='attendances.0.minutes']").fill("90")
    leader.send("record_attendance")
    expect(main.locator("article h2")).to_contain_text(title)

    volunteer = sit_down(helper, width, locale)
    found = listed(volunteer, "find_volunteers", helper)
    expect(found).to_contain_text("90")
    volunteer.seen()


@pytest.mark.parametrize("width, locale", READERS)
def test_a_unit_reports_in_and_both_ends_confirm(sit_down: SitDown, city: City, width: int, locale: str) -> None:
    """The day of a unit, and that of the community's secretary who confirms the other end (part of D11)."""
    place = {360: "350104.013.002", 1280: COMPOUND}[width]
    unit = sit_down("tan", width, locale)
    main = unit.page.locator("main")
    unit.work("report_in")
    main.locator("[name=unit]").select_option("unit-school")
    unit.place("place", *BUILDING[: BUILDING.index(place) + 1])
    main.get_by_role("radio", name=unit.word("reporter", "unit")).check()
    unit.send("report_in")
    main.get_by_role("link", name=unit.command("confirm_report_in"), exact=True).click()
    main.get_by_role("radio", name=unit.word("end", "unit")).check()
    unit.send("confirm_report_in")

    community = sit_down("chen", width, locale)
    found = listed(community, "find_report_ins", f"unit-unit-school-{place}".replace(".", "_"))
    found.get_by_role("link", name=community.command("confirm_report_in"), exact=True).click()
    found.get_by_role("radio", name=community.word("end", "place")).check()
    community.give(found, "confirm_report_in")
    expect(found).to_contain_text(community.word("report-in status", "confirmed"))
    community.seen()


@pytest.mark.parametrize("width, locale", READERS)
def test_an_operator_gives_and_takes_accounts_and_keeps_the_registry(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """The day of an operator; and the first sign-in of who was given an account and takes a password of their own."""
    keeper, new = f"keeper-{width}", f"new-{width}"
    city.operator.send("accounts", {"username": keeper, "password": FIRST, "kind": "operator"})
    city.operator.do("registry", "register_person", person_id=new, name=f"方来{width}", place=COMPOUND)
    desk = sit_down("", width, locale)
    page, main = desk.page, desk.page.locator("main")
    desk.sign_in(keeper, FIRST)
    desk.menu("accounts")
    page.locator("#username").fill(new)
    page.locator("#password").fill("linli")
    main.get_by_text(desk.t("accounts.kind.person"), exact=True).check()
    page.locator("#person_id").select_option(new)
    page.locator("#password").evaluate("one => one.removeAttribute('minlength')")  # as a browser without that rule
    main.get_by_role("button", name=desk.t("accounts.make")).click()
    expect(page.locator(".field-error")).to_be_visible()
    expect(page.locator("#username")).to_have_value(new)
    page.locator("#password").fill(FIRST)
    main.get_by_role("button", name=desk.t("accounts.make")).click()
    expect(page.locator(".done")).to_have_text(desk.t("accounts.done.make_account"))
    desk.seen()

    other = sit_down("", width, locale)
    first_time(other, new)
    expect(other.page.locator("main")).to_contain_text(new)

    main.get_by_role("link", name=new, exact=True).click()
    desk.seen()
    page.locator("#until").fill("2199-01-31")
    main.get_by_role("button", name=desk.t("accounts.extend_account")).click()
    expect(page.locator(".done")).to_have_text(desk.t("accounts.done.extend_account"))
    main.get_by_role("button", name=desk.t("accounts.remove_account")).click()
    expect(page.locator(".done")).to_have_text(desk.t("accounts.done.remove_account"))
    expect(main.get_by_role("link", name=new, exact=True)).to_have_count(0)
    other.page.reload()
    expect(other.page.locator("header")).to_contain_text(other.t("sign_in"))  # signed out everywhere

    desk.work("register_person")
    desk.type(main, name="王来")
    desk.place("place", "350104", *BUILDING[:3])  # an operator has no place of their own
    desk.send("register_person")


def first_time(desk: Desk, username: str) -> None:
    """The first sign-in: the password that somebody else chose is changed, and one signs in again."""
    page, main = desk.page, desk.page.locator("main")
    desk.sign_in(username, FIRST)
    page.locator("header").get_by_role("link", name=desk.t("account"), exact=True).click()
    desk.seen()
    page.get_by_label(desk.t("account.old")).fill(FIRST)
    page.get_by_label(desk.t("account.new")).fill(OWN)
    main.get_by_role("button", name=desk.t("account.change"), exact=True).click()
    page.get_by_label(desk.t("sign_in.username")).fill(username)
    page.get_by_label(desk.t("sign_in.password")).fill(OWN)
    main.get_by_role("button", name=desk.t("sign_in")).click()
    expect(page.locator("h1")).to_have_text(desk.t("account"))


@pytest.mark.parametrize("width, locale", READERS)
def test_an_auditor_compares_then_with_now_and_proves_what_was_done(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """The day of an auditor: a checkpoint kept, the ledger as it was then, and the proof of an entry and of a statement (part of X02)."""
    auditor = sit_down("", width, locale)
    page, main = auditor.page, auditor.page.locator("main")
    auditor.menu("audit")
    kept = page.locator("#checkpoint").input_value()
    then = int(kept.split("\n")[1])
    city.operator.do("registry", "register_person", person_id=f"later-{width}", name="晚来", place=COMPOUND)
    page.get_by_label(auditor.t("audit.earlier.text")).fill(kept)
    main.get_by_role("button", name=auditor.t("audit.earlier.check")).click()
    expect(page.locator("#continued")).to_contain_text(f"{then:,}")
    expect(page.locator("#continued")).to_have_class("done")
    auditor.seen()
    main.get_by_role("link", name=auditor.t("audit.as_of")).click()
    expect(page.locator(".entry-number").first).to_contain_text(f"{then:,}")
    expect(page.locator(".as-of")).to_contain_text(f"{then:,}")
    auditor.seen()
    main.get_by_role("link", name=auditor.t("audit.now")).click()
    expect(page.locator(".entry-number").first).not_to_contain_text(f"{then:,}")

    spoilt = kept.replace(f"\n{then}\n", f"\n{then - 1}\n")
    page.get_by_label(auditor.t("audit.earlier.text")).fill(spoilt)
    main.get_by_role("button", name=auditor.t("audit.earlier.check")).click()
    expect(page.locator("#continued")).to_have_text(auditor.t("audit.continued.unsigned"))

    auditor.menu("disclosure")
    main.locator("a[href*='/statements/']").first.click()
    expect(page.locator(".as-of")).to_have_text(auditor.t("statement.as_published"))
    auditor.seen()
    main.get_by_role("link", name=auditor.t("statement.project")).click()
    main.get_by_role("link", name=auditor.t("menu.audit")).last.click()
    main.locator(".entry a").first.click()
    expect(page.locator("#server-verdict")).to_have_text(auditor.t("proof.yes"))
    expect(page.locator("#browser-verdict")).to_have_text(auditor.t("proof.yes"))
    auditor.seen()


@pytest.mark.parametrize("width, locale", READERS)
def test_a_visitor_reads_what_is_public_and_finds_the_interface(
    sit_down: SitDown, city: City, width: int, locale: str
) -> None:
    """The day of a visitor from another government system: figures, a case, a statement, wishes, and the documented interface."""
    visitor = sit_down("", width, locale)
    page, main = visitor.page, visitor.page.locator("main")
    number = city.operator.ask("issues", "get_issue", issue_id=city.issues[1])["number"]
    page.locator("#number").fill(number)
    page.get_by_role("button", name=visitor.t("find.go")).click()
    expect(page.locator("h1")).to_contain_text(visitor.word("issue status", "closed"))
    expect(page.locator(".actions")).to_have_count(0)
    visitor.seen()
    for name in ("disclosure", "wishes", "volunteer", "audit"):
        visitor.menu(name)
        expect(main.get_by_role("button", name=re.compile("登录|Sign in"))).to_have_count(0)
    page.get_by_role("link", name=visitor.t("foot.api")).click()
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("body")).to_contain_text("/api/issues/find_issues")
