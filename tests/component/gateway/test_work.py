"""The derived portal: every command can be given by clicking, in both languages, without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

import tests.kit.desk
from services.gateway import contracts
from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from services.gateway.portal import declared, forms
from shared.domain.fields import CODE, FEN, MOMENT, YES, Kind, line, number
from shared.domain.structures import Field, Fitting, Group, Many, group, many, pairs
from shared.views.sqlite import SqliteViews
from tests.component.gateway import toys
from tests.component.gateway.city import OPERATOR, PASSWORD
from tests.component.gateway.toys import DEFINITION, TOY, ServedCity, ToyService
from tests.kit.city import BUILDING, COMPOUND

MADE: dict[str, Any] = {
    "title": "木马 <b>",
    "about": "一匹\r\n木马",
    "place": ["350104", "350104.013", "350104.013.002", COMPOUND],
    "category": "order.litter",
    "material": "wood",
    "day": "2025-03-01",
    "moment": "2025-03-01T09:30",
    "size": "3",
    "price": "1234.5",
    "fragile": "yes",
    "names.0": "小马",
    "names.2": "大马",
    "parts.0.name": "轮子",
    "parts.0.price": "2",
    "parts.1.name": "尾巴",
    "parts.1.price": "0.05",
    "parts.1.spare": "yes",
    "box.name": "纸盒",
    "box.price": "10",
    "shares.0.key": "chen",
    "shares.0.value": "40",
    "materials": ["wood", "tin"],
    "lists": ["facility.road"],
    "owner": "p-other",
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCity]:
    patch = pytest.MonkeyPatch()
    patch.setattr(tests.kit.desk, "definition", lambda name: DEFINITION)
    patch.setitem(contracts.DEFINITIONS, "toys", DEFINITION)
    made = ServedCity(tmp_path_factory.mktemp("toys"), "toys", ToyService)
    yield made
    patch.undo()
    declared.aggregates.cache_clear()
    made.desk.close()


@pytest.fixture(scope="module")
def worker(city: ServedCity, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A browser in which the grid worker is signed in."""
    views = SqliteViews(tmp_path_factory.mktemp("gateway") / "gateway.views.sqlite", VIEWS, durable=True)
    accounts = Accounts(views)
    for person in ("p-grid", "p-resident"):
        accounts.create(person, PASSWORD, "person", person)
    client = create_app(city, accounts, (b"s" * 32,), OPERATOR).test_client()
    sign_in(client, "p-grid")
    yield client
    accounts.close()


def sign_in(client: FlaskClient, person: str) -> None:
    page = client.get("/sign-in", headers=ZH).text
    ask = {"username": person, "password": PASSWORD, "csrf_token": _token(page)}
    assert client.post("/sign-in", data=ask, headers=ZH).status_code == 303


ZH = {"Accept": "text/html", "Accept-Language": "zh-CN"}
EN = {"Accept": "text/html", "Accept-Language": "en"}


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def send(client: FlaskClient, path: str, language: dict[str, str] = ZH, follow: bool = False, **data: Any) -> Any:
    page = client.get(path, headers=language).text
    key = re.search(r'name="command_id" value="([^"]+)"', page)
    ask = MultiDict({"csrf_token": _token(page), "command_id": key[1] if key else "key"} | data)
    return client.post(path.partition("?")[0], data=ask, headers=language, follow_redirects=follow)


def said(page: str) -> str:
    """The text of a page without its tags."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def make(worker: FlaskClient, **more: Any) -> str:
    answer = send(worker, "/work/toys/make_toy", **MADE | more)
    assert answer.status_code == 303, said(answer.text)
    return str(answer.headers["Location"]).rpartition("/")[2]


def test_every_control_round_trips_to_the_decision(worker: FlaskClient, city: ServedCity) -> None:
    id = make(worker)
    row = city.desk.node.views.get("toys", id)
    assert row is not None
    assert msgspec.json.decode(row["said"]) == {
        "title": "木马 <b>",
        "about": "一匹\n木马",
        "place": COMPOUND,
        "category": "order.litter",
        "material": "wood",
        "day": "2025-03-01",
        "moment": "2025-03-01T09:30:00+08:00",
        "size": 3,
        "price": 123450,
        "fragile": True,
        "names": ["小马", "大马"],
        "parts": [
            {"name": "轮子", "price": 200, "spare": False},
            {"name": "尾巴", "price": 5, "spare": True},
        ],
        "box": {"name": "纸盒", "price": 1000, "spare": False},
        "shares": {"chen": 40},
        "materials": ["wood", "tin"],
        "lists": ["facility.road"],
        "near": "",
        "owner": "p-other",
    }


def test_a_form_has_a_control_for_every_kind(worker: FlaskClient) -> None:
    make(worker)
    page = worker.get("/work/toys/make_toy", headers=ZH).text
    for control in (
        r'<input\s+id="f-title" name="title" required[^>]*maxlength="40"',
        r'<textarea\s+id="f-about" name="about" required[^>]*maxlength="200"',
        r'<select id="place-0" name="place" required',
        r'<select\s+id="f-category" name="category" required',
        r'<option value="order.litter">order.litter（中）',
        r'<input type="radio" name="material" value="wood" required',
        r'name="day" required[^>]*type="date"',
        r'name="moment" required[^>]*type="datetime-local"',
        r'name="size" required[^>]*type="number"[^>]*min="1" max="10"',
        r'name="price" required[^>]*inputmode="decimal"',
        r'<input type="checkbox" value="yes"\s+id="f-fragile"',
        r'name="names.0"',
        r'name="add" value="names"',
        r'name="parts.0.price"',
        r'name="box.name"',
        r'name="shares.0.key"',
        r'<input type="checkbox" name="materials" value="tin"',
        r'<input type="checkbox" name="lists" value="facility.road"',
        r'<select\s+id="f-near" name="near"',
        r'<select\s+id="f-owner" name="owner"[^>]*>\s*<option value="">现在没有可以选的<',
    ):
        assert re.search(control, page), control
    assert not re.search(r'name="parts.0.name" required', page)  # a row that nobody fills in is left out
    assert "木马 &lt;b&gt;" in page and "<b>" not in page.replace("<b></b>", "")  # a toy to stand beside, escaped
    assert COMPOUND in page  # the worker's own place is chosen already


def test_a_refusal_comes_back_beside_its_field_with_everything_typed(worker: FlaskClient, city: ServedCity) -> None:
    wrong = {
        "title": "",
        "size": "eleven",
        "price": "1,5,",
        "day": "soon",
        "moment": "2025-03-01T09:30",
        "parts.0.price": "0",
        "parts.1.name": "",
        "shares.0.value": "101",
        "place": [],
    }
    calls = len([one for one in city.calls if one[1] == "make_toy"])
    answer = send(worker, "/work/toys/make_toy", **MADE | wrong)
    assert answer.status_code == 422
    page = answer.text
    for name, reason in {
        "title": "还没有填",
        "size": "要填整数",
        "price": "要填以元为单位的金额，如1234.50",
        "day": "要填日期，如2026-03-01，年份从1900到2199",
        "place": "还没有填",
        "parts-0-price": "要在0.01元到100,000,000,000.00元之间",
        "parts-1-name": "还没有填",
        "shares-0-value": "要填0到100之间的整数",
    }.items():
        assert f'id="f-{name}-error">{reason}<' in page, name
    for kept in ('value="eleven"', 'value="1,5,"', 'value="小马"', 'value="大马"', 'value="轮子"', 'value="chen"'):
        assert kept in page, kept
    assert re.search(r'name="material" value="wood" checked', page)
    assert ">一匹\r\n木马<" in page or ">一匹\n木马<" in page
    assert 'name="fragile"' in page and re.search(r'value="yes" checked\s+id="f-fragile"', page)
    assert len([one for one in city.calls if one[1] == "make_toy"]) == calls  # what cannot be right is not asked


def test_a_refusal_of_the_decision_is_said_in_the_reader_s_language(worker: FlaskClient) -> None:
    answer = send(worker, "/work/toys/make_toy", **MADE | {"title": "bomb"})
    assert answer.status_code == 409
    assert "a toy is no bomb" in said(answer.text)  # nobody has translated the toys
    assert 'id="f-title-error">没有这一项<' in answer.text
    assert 'value="bomb"' in answer.text and 'value="小马"' in answer.text
    answer = send(worker, "/work/toys/make_toy", EN, **MADE | {"place": [f"{COMPOUND}.99"]})
    assert answer.status_code == 409
    assert f"there is no place {COMPOUND}.99; register it first" in said(answer.text)


def test_rows_are_added_and_removed_without_script(worker: FlaskClient) -> None:
    page = send(worker, "/work/toys/make_toy", **MADE | {"add": "parts"})
    assert page.status_code == 200
    assert 'name="parts.2.name"' in page.text and 'value="尾巴"' in page.text and 'value="eleven"' not in page.text
    page = send(worker, "/work/toys/make_toy", **MADE | {"drop": "parts.0"})
    assert 'name="parts.1.name"' not in page.text
    assert 'value="尾巴"' in page.text and 'value="轮子"' not in page.text
    page = send(worker, "/work/toys/make_toy", **MADE | {"add": "shares"})
    assert 'name="shares.1.key"' in page.text
    page = send(worker, "/work/toys/make_toy", **MADE | {"choose": "place"})
    assert f'<option value="{BUILDING}"' in page.text  # the level below what was chosen


def test_sending_twice_does_it_once(worker: FlaskClient, city: ServedCity) -> None:
    page = worker.get("/work/toys/make_toy", headers=ZH).text
    ask = MultiDict(MADE | {"csrf_token": _token(page), "command_id": "toy-twice"})
    before = city.desk.log.head().position
    first, second = (worker.post("/work/toys/make_toy", data=ask, headers=ZH) for _ in "ab")
    assert first.headers["Location"] == second.headers["Location"]
    assert city.desk.log.head().position == before + 1


def test_what_was_done_and_what_comes_next_is_shown(worker: FlaskClient) -> None:
    id = make(worker)
    answer = send(worker, f"/work/toys/paint_toy?toy_id={id}", toy_id=id, colour="b", reason="旧了", follow=True)
    text = said(answer.text)
    assert answer.status_code == 200 and answer.request.path == f"/work/toys/toy/{id}"
    assert "已完成：Paint_toy" in text
    assert f"/work/toys/break_toy?toy_id={id}" in answer.text and "/work/toys/paint_toy" not in answer.text
    assert "已完成" not in said(worker.get(f"/work/toys/toy/{id}", headers=ZH).text)  # told once


def test_one_comes_back_to_where_one_was(worker: FlaskClient) -> None:
    id = make(worker)
    ask = {"toy_id": id, "colour": "b", "reason": "旧了"}
    answer = send(worker, f"/work/toys/paint_toy?toy_id={id}&to=/work/toys/find_toys", to="/work/toys/find_toys", **ask)
    assert answer.headers["Location"] == f"/work/toys/find_toys#toy-{id}"
    assert "已完成：Paint_toy" in said(worker.get("/work/toys/find_toys", headers=ZH).text)
    unsafe = worker.get(f"/work/toys/paint_toy?toy_id={id}&to=javascript:alert(1)", headers=ZH).text
    assert 'href="javascript:' not in unsafe and 'value="javascript:' not in unsafe
    for elsewhere in ("//evil.example", "https://evil.example", "/api/me"):
        again = send(worker, f"/work/toys/break_toy?toy_id={make(worker)}", to=elsewhere, toy_id=make(worker))
        assert again.headers["Location"].startswith("/work/toys/toy/")


def test_what_cannot_be_done_now_is_not_offered(worker: FlaskClient) -> None:
    id = make(worker)
    send(worker, f"/work/toys/break_toy?toy_id={id}", toy_id=id)
    page = worker.get(f"/work/toys/toy/{id}", headers=ZH).text
    assert "paint_toy" not in page and "break_toy?" not in page
    form = worker.get(f"/work/toys/paint_toy?toy_id={id}", headers=ZH).text
    assert "这一步现在不能办，或者不由您办。" in said(form)
    assert 'name="colour"' not in form


def test_a_resident_is_offered_nothing_and_refused_the_rest(worker: FlaskClient) -> None:
    id = make(worker)
    resident = worker.application.test_client()
    sign_in(resident, "p-resident")
    assert "您现在没有可以办的事" in said(resident.get("/work", headers=ZH).text)
    assert resident.get(f"/work/toys/toy/{id}", headers=ZH).status_code == 403
    assert resident.get("/work/toys/find_toys", headers=ZH).status_code == 403
    answer = send(resident, "/work/toys/make_toy", **MADE)
    assert answer.status_code == 403
    assert "的权限。" in said(answer.text) and 'value="小马"' in answer.text


def test_work_begins_where_the_reader_s_powers_lie(worker: FlaskClient) -> None:
    page = worker.get("/work", headers=ZH).text
    assert "/work/toys/make_toy" in page and "/work/toys/find_toys" in page and "paint_toy" not in page
    nobody = worker.application.test_client()
    assert nobody.get("/work", headers=ZH).headers["Location"].startswith("/sign-in")


def test_a_list_is_filtered_sorted_and_turned(worker: FlaskClient, city: ServedCity) -> None:
    id = make(worker)
    page = worker.get("/work/toys/find_toys", headers=ZH).text
    assert f'id="toy-{id}"' in page and f"/work/toys/paint_toy?toy_id={id}" in page
    painted = worker.get("/work/toys/find_toys?status=painted&order=-place&limit=1", headers=ZH).text
    assert f'id="toy-{id}"' not in painted
    asked = next(arguments for _, method, _, arguments in reversed(city.calls) if method == "find_toys")
    assert (asked["status"], asked["order"]) == ("painted", "-place")
    wrong = worker.get("/work/toys/find_toys?status=blue", headers=ZH)
    assert wrong.status_code == 422
    assert "请从选项里选一个" in said(wrong.text)
    for _ in range(31):
        make(worker)
    first = worker.get("/work/toys/find_toys?status=made", headers=ZH).text
    following = re.search(r'class="more" href="([^"]+cursor[^"]+)"', first)
    assert following
    second = worker.get(unescape(following[1]), headers=ZH).text
    ids = [set(re.findall(r'<article[^>]+id="(toy-[^"]+)"', one)) for one in (first, second)]
    assert ids[0] and ids[1] and not ids[0] & ids[1]
    assert "status=made" in following[1]


@pytest.mark.parametrize(
    "path", ["/work/nothing/x", "/work/toys/no_toy", "/work/toys/doll/1", "/work/toys/toy/none", "/work/toys/toy/a b"]
)
def test_what_is_not_there_is_a_page_that_says_so(worker: FlaskClient, path: str) -> None:
    answer = worker.get(path, headers=ZH)
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"


@pytest.mark.parametrize("language", [ZH, EN], ids=["zh", "en"])
def test_pages_of_declared_things_stand_in_both_languages(worker: FlaskClient, language: dict[str, str]) -> None:
    id = make(worker)
    pages = [
        "/work",
        "/work/toys/find_toys",
        f"/work/toys/toy/{id}",
        "/work/toys/make_toy",
        f"/work/toys/paint_toy?toy_id={id}",
    ]
    for path in pages:
        answer = worker.get(path, headers=language)
        assert answer.status_code == 200, path
        text = said(answer.text)
        assert not re.search(r"[{}]|\b(form|list|work|menu)\.[a-z_]+\b", text), path
        assert ("办事" in text) == (language is ZH)
        ids = re.findall(r'\bid="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids)), path
        for label in re.findall(r'<label[^>]* for="([^"]+)"', answer.text):
            assert label in ids, (path, label)


def test_a_part_of_a_page_is_a_form_and_then_the_thing(worker: FlaskClient) -> None:
    """With script the form opens in the card, and the card comes back with what was done."""
    id, part = make(worker), ZH | {"HX-Request": "true"}
    form = worker.get(f"/work/toys/paint_toy?toy_id={id}", headers=part).text
    assert form.lstrip().startswith("<article") and f'id="toy-{id}"' in form
    ask = {"csrf_token": _token(form), "command_id": "part", "toy_id": id, "colour": "c", "reason": "旧了"}
    card = worker.post("/work/toys/paint_toy", data=ask, headers=part).text
    assert card.lstrip().startswith("<article") and "已完成：Paint_toy" in said(card)
    refused = worker.post("/work/toys/paint_toy", data=ask | {"command_id": "other"}, headers=part)
    assert refused.status_code == 409 and "“painted”时不能“paint_toy”" in said(refused.text)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FEN, 123_450),
        (MOMENT, "2025-03-01T09:30:00+08:00"),
        (number(1, 9), 3),
        (many(line(9)), ["a", "b"]),
        (many(group(toys.Part)), [{"name": "a", "price": 1, "spare": True}]),
        (pairs(CODE, FEN), {"a": 5, "b": 600}),
    ],
)
def test_what_is_known_is_typed_back(kind: Any, value: Any) -> None:
    assert forms.value(kind, forms.retyped(kind, value)) == value


def test_a_default_that_only_says_nothing_is_not_typed() -> None:
    assert forms.begun(Field("days", number(1, 9), "days", False, 0)) == ""
    assert forms.begun(Field("days", number(0, 9), "days", False, 0)) == "0"
    assert forms.begun(Field("fragile", YES, "whether", False, True)) == "yes"


def _asked(kind: Kind) -> list[Kind]:
    """A kind as forms ask for it, its rows, and every part of the shapes that a choice decides among."""
    if isinstance(kind, Fitting):
        return [
            one
            for shape in kind.shapes.values()
            if isinstance(shape, Group)
            for part in shape.fields
            for one in _asked(part.kind)
        ]
    return [kind, *_asked(kind.kind)] if isinstance(kind, Many) else [kind]


def test_every_declared_field_has_a_control() -> None:
    known = {
        "line",
        "lines",
        "place",
        "code",
        "choice",
        "power",
        "pick",
        "day",
        "moment",
        "number",
        "money",
        "yes",
        "list",
        "group",
        "pairs",
    }
    known |= {"json", "boxes"}
    for service, definition in contracts.DEFINITIONS.items():
        for command in definition.commands.values():
            for field in command.fields:
                assert {forms.control_of(kind) for kind in _asked(field.kind)} <= known, (
                    f"{service}.{command.name}.{field.name}"
                )
    assert {forms.control_of(field.kind) for field in TOY.commands["make_toy"].asked} >= known - {
        "json",
        "power",
        "choice",
        "code",
    } | {"choice"}
