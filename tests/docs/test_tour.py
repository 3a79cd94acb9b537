"""The tour runs as it is printed: each block after the one before, in one city."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.following.context import CallContext
from tests.kit.city import COMPOUND, DISTRICT, document
from tests.kit.town import Town

TOUR = Path(__file__).resolve().parents[2] / "docs" / "tour.md"
PASSWORD = "ginkgo trees 8"


class Citizens:
    """Who acts in the tour: the operator who founds the city, and the keeper of its benches."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self._clients: dict[str, FlaskClient] = {}

    def found(self) -> Citizens:
        """Found a city with one place, one body, one post and who holds it."""
        profile = document(
            profile_id="tour",
            city="榕江区",
            levels=[{"code": "compound", "zh": "小区", "en": "Compound"}],
            roles=[{"code": "keeper", "zh": "管理员", "en": "Keeper"}],
            powers={"keeper": ["bench.*"]},
        )
        self.ask("registry", "adopt_profile", by="operator", **profile)
        parts = COMPOUND.split(".")
        for depth, kind in enumerate(("district", "street", "community", "compound"), 1):
            place, parent = ".".join(parts[:depth]), ".".join(parts[: depth - 1])
            self.ask("registry", "register_place", by="operator", place=place, kind=kind, name=place, parent=parent)
        body = {
            "organisation_id": "office",
            "type": "council",
            "name": "管理处",
            "level": "compound",
            "place": COMPOUND,
        }
        self.ask("registry", "establish_organisation", by="operator", **body)
        self.ask("registry", "register_person", by="operator", person_id="p-keeper", name="陈桂花", place=DISTRICT)
        post = {"post_id": "post-keeper", "organisation_id": "office", "role": "keeper", "title": "管理员"}
        self.ask("registry", "establish_post", by="operator", **post)
        self.ask("registry", "appoint_person", by="operator", post_id="post-keeper", person_id="p-keeper")
        self.town.accounts.create("keeper", PASSWORD, "person", "p-keeper")
        return self

    def ask(self, service: str, method: str, by: str = "", **ask: Any) -> dict[str, Any]:
        """Call a service as the operator, as the holder of a post, or as nobody."""
        kind = "operator" if by == "operator" else "person" if by else "anonymous"
        actor = by.replace("post-", "p-") if kind == "person" else by
        post = by if kind == "person" else ""
        return self.town.call(service, method, CallContext(kind=kind, actor=actor, post=post), ask)  # type: ignore[arg-type]

    def browse(self, path: str, by: str) -> Any:
        """Open a page as somebody who has signed in."""
        return self._client(by).get(path)

    def send(self, path: str, by: str, **given: str) -> Any:
        """Send a form; refused is an error here."""
        client = self._client(by)
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(f"{path}?bench_id={given['bench_id']}").text)
        assert token is not None, "the page has no form"
        answer = client.post(path, data=given | {"csrf_token": token[1]})
        assert answer.status_code in (200, 303), answer.text
        return answer

    def _client(self, by: str) -> FlaskClient:
        if by not in self._clients:
            client = self._clients[by] = self.town.app.test_client()
            page = client.get("/sign-in").text
            token = re.search(r'name="csrf_token" value="([^"]+)"', page)
            assert token is not None
            form = {"username": by.removeprefix("post-"), "password": PASSWORD, "csrf_token": token[1]}
            assert client.post("/sign-in", data=form).status_code == 303
        return self._clients[by]


def test_the_tour_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", TOUR.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 6, "each step has its block"
    tour = ModuleType("tour")
    monkeypatch.setitem(sys.modules, "tour", tour)
    towns: list[Town] = []

    def found(town: Town) -> Citizens:
        towns.append(town)
        return Citizens(town).found()

    vars(tour).update(folder=tmp_path, found=found)
    try:
        for number, block in enumerate(blocks, 1):
            exec(compile(block, f"docs/tour.md, block {number}", "exec", dont_inherit=True), vars(tour))
    finally:
        for town in towns:
            town.close()
