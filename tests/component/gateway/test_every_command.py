"""Every declared command of every service can be done in the portal by clicking, and is refused in words with nothing lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from services.console.catalogue import OWNERS, definition
from services.gateway.portal.declared import Aggregate, aggregates
from shared.domain.calendar import today
from shared.domain.command import Command
from shared.words import table, word
from tests.component.gateway.every_command import OPERATOR, PASSWORD, ROWS, World, places_to
from tests.kit.clicking import Clicker, Control, Form, flat

COMMANDS = {command.name: (owner, command) for owner in OWNERS for command in definition(owner).commands.values()}
ZH, EN = "zh-CN", "en"
#: Controls that are filled in when a row does not name them, though they may be left empty.
_WELCOME = ("textarea",)


class Portal:
    """The town's portal with a browser for everybody, signed in by clicking."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._clickers: dict[str, Clicker] = {}
        self.done: set[str] = set()

    def clicker(self, username: str) -> Clicker:
        """The browser of somebody."""
        if username not in self._clickers:
            made = Clicker(self.world.town.app.test_client(), ZH)
            made.start()
            made.follow(next(link for link in made.links if urlsplit(link).path == "/sign-in"))
            form = made.form("/sign-in") or made.forms[-1]
            form.named("username")[0].value, form.named("password")[0].value = username, PASSWORD
            made.send(form)
            assert made.form("/sign-out"), f"{username} cannot sign in"
            self._clickers[username] = made
        return self._clickers[username]


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(World(tmp_path_factory.mktemp("town")))
    yield made
    made.world.close()
    print(f"\ncommands that the portal can do: {len(made.done)} of {len(COMMANDS)}")


@pytest.fixture
def empty(tmp_path: Any) -> Iterator[Portal]:
    """A town that nobody has founded yet."""
    made = Portal(World(tmp_path, founded=False))
    yield made
    made.world.close()


def test_every_command_has_a_row() -> None:
    """A command that nobody can reach by clicking is not done."""
    assert sorted(ROWS) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_done_by_clicking(name: str, request: pytest.FixtureRequest) -> None:
    row = ROWS[name]
    portal: Portal = request.getfixturevalue("empty" if row.empty else "portal")
    service, command = COMMANDS[name]
    of = aggregates(service)[command.decider.category]
    world, clicker = portal.world, portal.clicker(row.by)
    thing = row.thing(world) if row.thing else ""
    typed = dict(flat(row.typed(world, thing) if callable(row.typed) else row.typed))
    form = reach(clicker, of, command, thing)
    in_both_languages(clicker, world)
    form = reach(clicker, of, command, thing)
    form = filled(clicker, form, typed)
    world.said |= {one.value for one in form.visible if one.type in ("text", "textarea") and one.value}
    head = world.head(service)
    form = refused(portal, clicker, form, row.by)
    assert world.head(service) == head, "a refusal wrote something"
    clicker.send(form)
    if (seen := clicker.form(form.action)) and any(one.value for one in seen.named("seen")):
        assert world.head(service) == head, "what was only looked at is written already"
        clean(clicker, "zh", world)
        clicker.send(seen)
    assert clicker.status == 200, f"{clicker.path}: {clicker.said}"
    assert f"已完成： {label(service, name)}".replace(" ", "") in clicker.said.replace(" ", ""), clicker.said
    assert world.head(service) > head, "nothing was recorded"
    in_both_languages(clicker, world)
    request.getfixturevalue("portal").done.add(name)


def label(service: str, name: str, language: str = "zh") -> str:
    """The word of a command."""
    found = table(language).get(("page", f"{service} command.{name}"))
    text = found if found is not None else word(language, f"{service} command", name)
    return text[:1].upper() + text[1:]


# from the start page to the form


def reach(clicker: Clicker, of: Aggregate, command: Command, id: str) -> Form:
    """The form of a command, reached from the start page by links that are there."""
    clicker.start()
    clicker.follow(next(link for link in clicker.links if urlsplit(link).path == "/work"))
    target = f"/work/{of.service}/{command.name}"
    if not id:
        links = [link for link in clicker.links if urlsplit(link).path == target]
        assert links, f"{clicker.path} does not lead to {command.name}: {clicker.said}"
        clicker.follow(links[0])
        return the_form(clicker, target)
    lists = [link for link in clicker.links if urlsplit(link).path.startswith(f"/work/{of.service}/find_")]
    own = {f"/work/{of.service}/{query.name}" for query in of.lists}
    for link in sorted(dict.fromkeys(lists), key=lambda link: (urlsplit(link).path not in own, lists.index(link))):
        clicker.follow(link)
        while True:
            if form := at_thing(clicker, of, target, id):
                return form
            following = [one for one in clicker.links if "cursor" in parse_qs(urlsplit(one).query)]
            if not following:
                break
            clicker.follow(following[0])
        clicker.start()
        clicker.follow(next(link for link in clicker.links if urlsplit(link).path == "/work"))
    raise AssertionError(f"no list leads to {command.name} of {id}; lists: {lists}")


def at_thing(clicker: Clicker, of: Aggregate, target: str, id: str) -> Form | None:
    """The form of a command where a page shows the thing: there, on its card, or on the thing's own page."""
    page = urlsplit(f"/work/{of.service}/{of.category}/{id}").path
    for _look in range(2):
        if form := clicker.form(target, **{of.id_field: id}):
            return form
        for link in clicker.links:
            if urlsplit(link).path == target and parse_qs(urlsplit(link).query).get(of.id_field) == [id]:
                clicker.follow(link)
                return the_form(clicker, target)
        if page not in clicker.links:
            return None
        clicker.follow(page)
    return None


def the_form(clicker: Clicker, target: str) -> Form:
    form = clicker.form(target)
    assert form is not None, f"{clicker.path} has no form: {clicker.said}"
    return form


# filling in


def filled(clicker: Clicker, form: Form, typed: Mapping[str, Any]) -> Form:
    """The form with everything typed; rows are added and levels of places chosen by their buttons."""
    for path, value in typed.items():
        while not form.named(path):
            if ("choose", path.partition(".")[0]) in form.buttons:  # what else is asked follows from what was chosen
                clicker.send(form, ("choose", path.partition(".")[0]))
                form = the_form(clicker, urlsplit(form.action).path)
                continue
            rows = [one for one in form.buttons if one[0] == "add" and path.startswith(f"{one[1]}.")]
            assert rows, f"{clicker.path} has no control {path}"
            clicker.send(form, max(rows, key=lambda one: len(one[1])))
            form = the_form(clicker, urlsplit(form.action).path)
        if ("choose", path) in form.buttons:
            form = _placed(clicker, form, path, str(value))
        else:
            _set(clicker, form.named(path), value)
    for one in form.visible:
        if not one.value and one.name not in typed and (one.required or one.type in _WELCOME):
            one.value = _value(one)
        if one.type == "radio" and one.required and not any(other.on for other in form.named(one.name)):
            one.on = True
    return form


def _placed(clicker: Clicker, form: Form, path: str, place: str) -> Form:
    for depth, one in enumerate(places_to(place)):
        levels = form.named(path)
        assert one in levels[depth].values, f"{clicker.path} does not offer {one} for {path}: {levels[depth].values}"
        levels[depth].value = one
        if one != place and len(levels) <= depth + 1:
            clicker.send(form, ("choose", path))
            form = the_form(clicker, urlsplit(form.action).path)
    for level in form.named(path)[depth + 1 :]:
        level.value = ""
    return form


def _set(clicker: Clicker, controls: list[Control], value: Any) -> None:
    first = controls[0]
    if first.type in ("radio", "checkbox"):
        chosen = [value] if isinstance(value, str) else value
        for one in controls:
            one.on = one.value in chosen
        assert any(one.on for one in controls) or not chosen or chosen == ["False"], (
            f"{first.name}: {chosen} not offered"
        )
        return
    text = str(value)
    assert first.type != "select" or text in first.values, f"{clicker.path} does not offer {text} for {first.name}"
    first.value = text


def _value(control: Control) -> str:
    match control.type:
        case "number":
            return "1"
        case "date":
            return today()
        case "datetime-local":
            return "2025-03-01T09:00"
        case "select":
            return next(value for value in control.values if value)
    if control.name.endswith("_fen"):
        return "100"
    return "Something" if control.name.endswith("_en") else "某某"


# refusals


def refused(portal: Portal, clicker: Clicker, form: Form, by: str) -> Form:
    """Send something wrong; it is said what, beside the field or in a sentence, and everything typed is still there."""
    spoilt = _spoilt(form)
    if spoilt is None:
        _refused_to_others(portal, form, by)
        return form
    wrong, right = spoilt
    sent = _said(form)
    clicker.send(form)
    assert clicker.status in (409, 422), f"{clicker.status} {clicker.path}: {clicker.said}"
    again = the_form(clicker, urlsplit(form.action).path)
    assert _said(again) == [one for one in sent if one[1] or one[0] not in _places(again)], "what was typed is lost"
    shown = [one for one in again.named(wrong.name) if one.wrong] or 'class="field-error"' in clicker.page
    assert shown or re.search(r'class="refusal-head">[^<]*[\u4e00-\u9fff]', clicker.page), clicker.said
    clean(clicker, "zh", portal.world)
    again.named(wrong.name)[0].value = right
    return again


def _places(form: Form) -> set[str]:
    """The names of the choices of a place, which offer one level more than was chosen."""
    return {value for name, value in form.buttons if name == "choose"}


def _said(form: Form) -> list[tuple[str, str, bool]]:
    """What a form holds; an empty level of a place is nothing."""
    places = _places(form)
    return [(one.name, one.value, one.on) for one in form.visible if one.value or one.name not in places]


def _spoilt(form: Form) -> tuple[Control, str] | None:
    """A control that was made wrong, and what it held; None where nothing can be wrong."""
    alone = [one for one in form.visible if "." not in one.name and one.name not in _places(form)]
    typed = [one for one in alone if one.type in ("text", "textarea", "date", "number", "datetime-local")]
    numbers = [one for one in form.visible if one.type in ("number", "date") and one.value]
    found = [one for one in typed if one.required] or typed or [one for one in alone if one.type == "select"] or numbers
    if not found:
        return None
    one, right = found[-1], found[-1].value
    one.value = "" if one.required else "x" if one.type not in ("text", "textarea") else "\u202e"
    return one, right


def _refused_to_others(portal: Portal, form: Form, by: str) -> None:
    """Nothing to fill in: somebody without the power who sends it is told so."""
    other = portal.clicker("p-neighbour" if by != "p-neighbour" else "p-accountant")
    other.start()
    token = next(one for one in other.form("/sign-out").controls if one.name == "csrf_token")  # type: ignore[union-attr]
    theirs = Form(form.action, form.method, [replace(one) for one in form.controls])
    theirs.named("csrf_token")[0].value = token.value
    other.send(theirs)
    assert other.status == 403, f"{other.status}: {other.said}"
    assert re.search(r'class="refusal-head">[^<]*[\u4e00-\u9fff]', other.page), other.said
    clean(other, "zh", portal.world)


# words

_KEYS = re.compile(r"\b(?:page|form|list|work|menu|inbox|case|refusal|report|problem)\.[a-z_.]+\b")
_LATIN = re.compile(r"(?<![A-Za-z0-9-])[A-Za-z0-9][A-Za-z0-9_.@-]*[A-Za-z0-9]")
_CHINESE = re.compile(r"[\u4e00-\u9fff][\u4e00-\u9fff，。；：、（）“”]*")
#: What is written in Latin letters on Chinese pages.
_NAMES = {"English", "API", "JSON", "SHA-256", "checkpoint.txt", "public_key.pem", OPERATOR}
#: What one has to type in Latin letters, on the page where it is typed.
_TYPED = {"measure_place": {"m2", "persons", "year"}, "/work/table": {"CSV", "UTF-8", "MB"}}
_IDS = re.compile(
    r"(?:n|p|post|o)-[a-z0-9-]+|[0-9a-f-]{20,}|member-.*|unit-.*|(?:[0-9a-z_]+\.)+n-\d+|(?:issue_categories|checklists)\..*"
)
#: What is written in Chinese on English pages: the other language, and what people typed or are called.
_SAID = re.compile(r"中文|[人某业]\**[0-9]*")


def in_both_languages(clicker: Clicker, world: World) -> None:
    """The page as it stands in Chinese and in English says everything in words of the language."""
    clean(clicker, "zh", world)
    clicker.again(EN)
    clean(clicker, "en", world)


def clean(clicker: Clicker, language: str, world: World) -> None:
    """No key without words, no code where a word exists, nothing left over of a template."""
    found = [*re.findall(r"[{}]", clicker.said), *_KEYS.findall(clicker.said)]
    if language == "zh":
        latin = [text for text in _LATIN.findall(clicker.said) if re.search("[A-Za-z]", text)]
        typed = next((codes for name, codes in _TYPED.items() if name in clicker.path), set())
        found += [text for text in latin if text not in _NAMES | typed | world.said and not _IDS.fullmatch(text)]
    else:
        said = re.sub("|".join(["\n", *sorted(map(re.escape, world.said), key=len, reverse=True)]), " ", clicker.said)
        found += _CHINESE.findall(_SAID.sub(" ", said))
    assert not found, f"{language} {clicker.path}: {found}\n{clicker.said}"


def test_every_fact_has_a_word() -> None:
    """What happened is told in words on the pages of a thing and of the ledger."""
    facts = {fact for owner in OWNERS for decider in definition(owner).deciders for fact in decider.codec.events}
    for language in ("zh", "en"):
        assert not [fact for fact in sorted(facts) if ("page", f"event.{fact}") not in table(language)]
