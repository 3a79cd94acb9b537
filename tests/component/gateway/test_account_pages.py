"""Accounts by clicking: who was given one changes the password first, and what weighs waits for a second operator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.gateway.every_command import PASSWORD
from tests.component.gateway.test_two_persons import NEXT, OTHER, City
from tests.kit.clicking import Clicker, Form

ZH = "zh-CN"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    yield made
    made.world.close()


def fill(form: Form | None, **typed: str) -> Form:
    assert form is not None
    for name, text in typed.items():
        for one in form.named(name):
            one.value, one.on = (text, True) if one.type != "radio" else (one.value, one.value == text)
    return form


def signed_in(city: City, username: str, password: str = PASSWORD) -> Clicker:
    """A browser in which somebody signed in by clicking."""
    made = Clicker(city.world.town.app.test_client(), ZH)
    made.start()
    made.follow(next(link for link in made.links if link.startswith("/sign-in")))
    code = {"code": city.number(username)} if username in city.secrets else {}
    made.send(fill(made.form("/sign-in"), username=username, password=password, **code))
    return made


def operator(city: City, username: str) -> Clicker:
    city.operator(username)
    found = signed_in(city, username)
    found.follow("/accounts")
    return found


def test_who_was_given_an_account_first_takes_a_password_of_their_own(city: City) -> None:
    keeper, person = operator(city, "lin"), city.world.person()
    keeper.start()
    keeper.follow("/accounts")
    new = fill(keeper.form("/accounts"), username="fresh", password="short", kind="person", person_id=person)
    keeper.send(new)
    assert keeper.status == 422 and "10" in keeper.said and 'value="fresh"' in keeper.page
    keeper.send(fill(keeper.form("/accounts"), password=NEXT))
    assert keeper.status == 200 and "账号已建立。" in keeper.said and "/accounts/fresh" in keeper.links

    fresh = signed_in(city, "fresh", NEXT)
    assert fresh.path == "/account" and "请先换成自己的" in fresh.said
    fresh.follow("/report")  # leads back
    assert fresh.path == "/account"
    fresh.send(fill(fresh.form("/account/password"), old=NEXT, new=OTHER))
    fresh.send(fill(fresh.form("/sign-in"), username="fresh", password=OTHER))
    assert "请先换成自己的" not in fresh.said and fresh.form("/sign-out")

    keeper.follow("/accounts/fresh")
    keeper.send(fill(keeper.form("/accounts/fresh/extend_account"), until="2199-01-31"))
    assert "有效期已改。" in keeper.said and "2199年1月31日" in keeper.said
    keeper.send(fill(keeper.form("/accounts/fresh/reset_password"), password="lantern gravel 91 canoe"))
    assert "密码已重置。" in keeper.said
    fresh.start()
    assert not fresh.form("/sign-out"), "signed out everywhere"
    keeper.send(fill(keeper.form("/accounts/fresh/remove_account")))
    assert keeper.path == "/accounts" and "/accounts/fresh" not in keeper.links


def test_the_account_of_who_signs_for_money_waits_for_a_second_operator(city: City) -> None:
    city.set_up("p-secretary")
    lin, wu = operator(city, "lin"), operator(city, "wu")
    lin.follow("/accounts/p-secretary")
    lin.send(fill(lin.form("/accounts/p-secretary/reset_second_factor"), checked="x"))
    assert lin.status == 422
    lin.send(fill(lin.form("/accounts/p-secretary/reset_second_factor"), checked="本人持身份证到窗口"))
    assert "等另一位运维人员确认" in lin.said
    assert city.accounts.known("p-secretary")["factor"], "nothing is done yet"
    lin.follow("/requests")
    assert not lin.form("/requests/confirm") or "确认并办理" not in lin.said
    wu.follow("/requests")
    wu.send(fill(wu.form("/requests/confirm")))
    assert not city.accounts.known("p-secretary")["factor"]


def test_accounts_are_for_operators(city: City) -> None:
    person = signed_in(city, "p-resident")
    assert "/accounts" not in person.links
    assert person.client.get("/accounts", headers=person.headers).status_code == 403
    nobody = city.world.town.app.test_client().get("/accounts", headers=person.headers)
    assert nobody.headers["Location"].startswith("/sign-in")
