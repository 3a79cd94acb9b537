"""Somebody who sits before the portal: what they see is found by the words of their language, and no address is typed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from services.gateway.contracts import DEFINITIONS
from shared.words import sentence, table, word
from tests.e2e.seed import PASSWORD
from tests.e2e.walking import FAULTS

#: A phone in Chinese; and a desk in English, in the city's tests.
READERS = [(360, "zh-CN"), pytest.param(1280, "en-GB", marks=pytest.mark.city)]


class Desk:
    """A page of somebody who signed in, found by the words of their language."""

    def __init__(self, page: Page, locale: str) -> None:
        self.page, self.language = page, "zh" if locale == "zh-CN" else "en"

    def t(self, key: str, **given: str) -> str:
        """The portal's own words."""
        return table(self.language)["page", key].format(**given)

    def command(self, name: str) -> str:
        """What a command or a list is called."""
        service = next(service for service, one in DEFINITIONS.items() if name in one.commands or name in one.queries)
        group, known = f"{service} command", table(self.language)
        if found := known.get(("page", f"{group}.{name}")):
            return _capital(found)
        listed = self.language == "en" and (group, name) not in known
        return _capital(word(self.language, group, name.removeprefix("find_") if listed else name))

    def word(self, group: str, code: str) -> str:
        """A code as pages say it."""
        return table(self.language).get(("page", f"{group}.{code}")) or word(self.language, group, code)

    def sentence(self, text: str) -> str:
        return sentence(self.language, text)

    def label(self, name: str) -> str:
        unit = self.t("unit.stored")
        return _capital(word(self.language, "field", name).replace(f",{unit}", "").replace(unit, ""))

    def seen(self) -> None:
        """The page is whole for everybody."""
        assert self.page.evaluate(FAULTS) == [], self.page.url

    def menu(self, name: str) -> None:
        self.page.locator("nav").get_by_role("link", name=self.t(f"menu.{name}"), exact=True).click()
        self.seen()

    def sign_in(self, person: str, password: str = PASSWORD, post: str = "") -> None:
        """From the start page on; who holds several posts chooses one."""
        self.page.locator("header").get_by_role("link", name=self.t("sign_in"), exact=True).click()
        self.page.get_by_label(self.t("sign_in.username")).fill(person)
        self.page.get_by_label(self.t("sign_in.password")).fill(password)
        self.page.locator("main").get_by_role("button", name=self.t("sign_in")).click()
        expect(self.page.locator("header").get_by_role("button", name=self.t("sign_out"))).to_be_visible()
        if post:
            self.page.locator(f"button[value={post}]").click()
        self.seen()

    def work(self, name: str) -> None:
        """A list, or something new, from the page of what there is to do."""
        self.menu("work")
        self.page.locator("main").get_by_role("link", name=self.command(name), exact=True).click()
        self.seen()

    def place(self, name: str, *places: str) -> None:
        """Choose a place, level by level."""
        for place in places:
            level = f"select[name={name}]:has(option[value='{place}'])"
            with self.page.expect_response("**/places?*"):  # the levels below come with it
                self.page.locator(level).select_option(place)
            expect(self.page.locator(f"select[name={name}] option[value='{place}']:checked")).to_have_count(1)

    def send(self, command: str) -> None:
        """Send the form of a page of its own; it says that it is done."""
        self.page.locator("main form.form").get_by_role("button", name=self.command(command), exact=True).click()
        expect(self.page.locator(".done").first).to_have_text(self.t("work.done", command=self.command(command)))
        self.seen()

    def queue(self, name: str) -> None:
        """A list of the inbox."""
        self.menu("inbox")
        called = re.compile(f"^{re.escape(self.t(f'inbox.list.{name}'))} [0-9]+[+]?$")
        self.page.locator(".tabs a", has_text=called).click()
        expect(self.page.locator(".tabs [aria-current]")).to_have_text(called)
        self.seen()

    def card(self, queue: str, box: str) -> Locator:
        """A thing on a list of the inbox."""
        self.queue(queue)
        found = self.page.locator(f"#{box}")
        expect(found).to_be_visible()
        return found

    def offers(self, found: Locator, *commands: str) -> None:
        """Exactly these may be done now."""
        expect(found.locator(".actions a.button, .actions button")).to_have_text(
            [self.command(one) for one in commands]
        )

    def give(self, found: Locator, command: str, fill: Callable[[Locator], None] | None = None) -> None:
        """A command by its button, with its form where it has one; it says that it is done."""
        if fill:
            found.get_by_role("link", name=self.command(command), exact=True).click()
            expect(found.locator("form.form")).to_be_visible()
            self.seen()
            fill(found)
        found.get_by_role("button", name=self.command(command), exact=True).click()
        expect(found.locator(".done")).to_have_text(self.t("work.done", command=self.command(command)))

    def refused(self, found: Locator, command: str, reason: str) -> None:
        """What was typed is refused beside its field, and nothing is lost."""
        found.get_by_role("button", name=self.command(command), exact=True).click()
        expect(found.locator(".refusal").first).to_contain_text(reason)

    def type(self, found: Locator, **typed: str) -> None:
        for name, text in typed.items():
            found.get_by_label(re.compile(f"^{re.escape(self.label(name))}")).and_(
                found.locator(f"[name={name}]")
            ).fill(text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


SitDown = Callable[..., Desk]
