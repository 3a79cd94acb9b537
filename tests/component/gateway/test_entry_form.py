"""The form of an entry of the city's catalogue: a control for each part that its list asks for, and what changes before it is done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.domain.catalogue import KINDS, SCHEMAS
from shared.following.context import CallContext
from tests.component.gateway.every_command import OPERATOR, World
from tests.component.gateway.test_every_command import Portal, filled
from tests.kit.clicking import Clicker, Form

PATH = "/work/registry/adopt_entry"
ITEM = {"zh": "安静", "en": "Quiet"}
NORMS = {
    "subject": "place",
    "items": [{"code": "night"} | ITEM, {"code": "noon"} | ITEM],
    "power": "checklist.judge",
    "unlocks": "calm",
    "scheme": "",
    "standing": "",
}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(World(tmp_path_factory.mktemp("town")))
    yield made
    made.world.close()


def adopt(portal: Portal, code: str, **change: Any) -> None:
    words = {"zh": "安静楼", "en": "Quiet house"}
    portal.world.do(OPERATOR, "registry", "adopt_entry", kind="checklists", code=code, **words, data=NORMS | change)


def data_of(portal: Portal, code: str) -> dict[str, Any]:
    context = CallContext(kind="operator", actor=OPERATOR)
    answer = portal.world.town.call("registry", "get_entry", context, {"kind": "checklists", "code": code})
    data: dict[str, Any] = answer["data"]
    return data


def form_of(clicker: Clicker) -> Form:
    found = clicker.form(PATH)
    assert found is not None, clicker.said
    return found


def begin(portal: Portal) -> tuple[Clicker, Form]:
    """The form, reached from the start page."""
    clicker = portal.clicker(OPERATOR)
    clicker.start()
    clicker.follow(next(link for link in clicker.links if urlsplit(link).path == "/work"))
    clicker.follow(next(link for link in clicker.links if urlsplit(link).path == PATH))
    return clicker, form_of(clicker)


def opened(portal: Portal, kind: str, code: str) -> tuple[Clicker, Form]:
    """The form with the parts that a list asks for."""
    clicker, form = begin(portal)
    form.named("kind")[0].value, form.named("code")[0].value = kind, code
    clicker.send(form, ("choose", "data"))
    assert clicker.status == 200, clicker.said
    return clicker, form_of(clicker)


def seen(clicker: Clicker) -> str:
    """What the page says will change, "" where it does not say it."""
    found = re.search(r'<section class="changes".*?</section>', clicker.page, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])) if found else ""


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_that_a_list_asks_for_has_a_control_and_none_is_raw_text(portal: Portal, kind: str) -> None:
    clicker, form = opened(portal, kind, "new_one")
    parts = {one.name.split(".")[1] for one in form.controls if one.name.startswith("data.")}
    added = {value.split(".")[1] for name, value in form.buttons if name == "add"}
    boxes = set(re.findall(r'id="f-data-([a-z0-9-]+)"', clicker.page))
    for field in SCHEMAS[kind].fields:
        assert field.name in parts | added or field.name.replace("_", "-") in boxes, field.name
    assert "<textarea" not in clicker.page


def test_what_an_entry_says_is_there_to_be_changed_and_only_what_changes_is_shown_before_it_is_adopted(
    portal: Portal,
) -> None:
    """A condition more and another code: seen first, edited once more, seen again, and then adopted as the API would."""
    adopt(portal, "norms")
    clicker, form = opened(portal, "checklists", "norms")
    held = {one.name: one.value for one in form.controls}
    assert (held["zh"], held["data.items.1.code"], held["data.unlocks"]) == ("安静楼", "noon", "calm")
    form = filled(clicker, form, {"data.items.2.code": "dawn", "data.items.2.zh": "清晨", "data.items.2.en": "Dawn"})
    form.named("data.unlocks")[0].value = ""
    head = portal.world.head("registry")
    clicker.send(form)
    assert (clicker.status, portal.world.head("registry")) == (200, head), "looking writes nothing"
    assert "dawn" in seen(clicker) and "清晨" in seen(clicker) and "calm" in seen(clicker)
    assert "noon" not in seen(clicker) and "安静楼" not in seen(clicker)
    form = form_of(clicker)
    form.named("data.items.2.zh")[0].value = "黎明"
    clicker.send(form)
    assert portal.world.head("registry") == head, "what was edited since is seen again first"
    assert "黎明" in seen(clicker)
    clicker.send(form_of(clicker))
    assert portal.world.head("registry") > head and not seen(clicker)
    dawn = {"code": "dawn", "zh": "黎明", "en": "Dawn"}
    assert data_of(portal, "norms") == NORMS | {"unlocks": "", "items": [*NORMS["items"], dawn]}


def test_an_item_is_taken_away_by_its_button(portal: Portal) -> None:
    adopt(portal, "fewer")
    clicker, form = opened(portal, "checklists", "fewer")
    clicker.send(form, ("drop", "data.items.0"))
    clicker.send(form_of(clicker))
    assert "night" in seen(clicker) and "noon" not in seen(clicker)
    clicker.send(form_of(clicker))
    assert [one["code"] for one in data_of(portal, "fewer")["items"]] == ["noon"]


def test_what_does_not_fit_is_said_at_its_part_by_the_form_and_by_the_service(portal: Portal) -> None:
    head = portal.world.head("registry")
    clicker, form = opened(portal, "checklists", "strict")
    typed = {"zh": "严", "en": "Strict", "data.subject": "place", "data.items.0.code": "A B", "data.items.0.zh": "一"}
    form = filled(clicker, form, typed | {"data.items.0.en": "One", "data.power": "power.nobody"})
    clicker.send(form)
    assert clicker.status == 422 and form_of(clicker).named("data.items.0.code")[0].wrong
    form = form_of(clicker)
    form.named("data.items.0.code")[0].value = "a"
    clicker.send(form)
    clicker.send(form_of(clicker))  # it was seen; nobody asks for this power
    assert clicker.status == 422 and form_of(clicker).named("data.power")[0].wrong
    assert portal.world.head("registry") == head


def test_another_list_asks_for_other_parts_and_the_words_stay(portal: Portal) -> None:
    clicker, form = opened(portal, "checklists", "moved")
    form.named("zh")[0].value = "难"
    form.named("kind")[0].value = "severities"
    clicker.send(form)
    again = form_of(clicker)
    assert clicker.status == 200 and again.named("data.rank") and not again.named("data.power")
    assert again.named("zh")[0].value == "难"


def test_an_entry_that_stays_as_it_is_changes_nothing_and_says_so(portal: Portal) -> None:
    adopt(portal, "same")
    clicker, form = opened(portal, "checklists", "same")
    clicker.send(form)
    assert "没有改动" in seen(clicker)
    head = portal.world.head("registry")
    clicker.send(form_of(clicker))
    assert (clicker.status, portal.world.head("registry")) == (200, head)
