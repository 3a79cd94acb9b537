"""Every link of every page leads to a page that stands, in words of the reader's language, whoever follows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.component.gateway.every_command import HOLDERS, OPERATOR, ROWS, World
from tests.component.gateway.test_every_command import ZH, Portal, clean
from tests.kit.clicking import Clicker
from tests.kit.crawling import crawl

#: Pages of the city's lists show codes and the words of both languages: that is what they are about.
_CATALOGUE = ("find_entries", "get_entry", "adopt_entry", "retire_entry")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A town with something in every state that a command needs."""
    world = World(tmp_path_factory.mktemp("town"))
    for row in ROWS.values():
        if row.thing and not row.empty:
            row.thing(world)
    yield Portal(world)
    world.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "username, language",
    [
        *((one, "zh") for one in ("", OPERATOR, *HOLDERS, "p-resident", "p-stranger")),
        *((one, "en") for one in ("", OPERATOR, "p-secretary", "p-resident")),
    ],
)
def test_every_link_leads_to_a_page_in_words(portal: Portal, username: str, language: str) -> None:
    """No 404, nothing that may not be read, no 5xx, and no code where there is a word."""
    clicker = portal.clicker(username) if username else Clicker(portal.world.town.app.test_client(), ZH)
    clicker.headers["Accept-Language"] = {"zh": ZH, "en": "en"}[language]
    faults, opened = [], 0
    for came in crawl(clicker):
        opened += 1
        if clicker.status != 200:
            faults.append(f"{clicker.status} {clicker.path} linked from {came}")
            continue
        if not clicker.html or any(name in clicker.path for name in _CATALOGUE):
            continue
        try:
            clean(clicker, language, portal.world)
        except AssertionError as error:
            faults.append(str(error).partition("\n")[0] + f" linked from {came}")
    clicker.headers["Accept-Language"] = ZH
    assert not faults, "\n".join(faults)
    assert opened > 10
