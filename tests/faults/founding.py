"""Founds a small city through the API: a profile, places, one organisation, an officer who may do everything, a project and a team."""

from __future__ import annotations

import time
from typing import Any

from tests.faults.api import Api, Unknown
from tests.faults.city import City
from tests.kit.city import document

STREET, COMPOUND = "350104.013", "350104.013.001"
OFFICER, OFFICER_POST, PASSWORD = "officer", "post-officer", "faults-linli-2026"
PROJECT, TEAM, WALKERS = "drains", "night-walk", ["w-1", "w-2"]
POWERS = ["issue.*", "project.*", "money.*", "payment.*", "team.*", "volunteer.*", "patrol.*", "visit.*", "wish.*"]


def found(city: City) -> dict[str, str]:
    """Found the city and return the bearer tokens of the operator and the officer."""
    tokens = {"operator": city.token(), "officer": ""}
    operator = Api(city.url, tokens["operator"])
    do = Founder(operator)
    profile = document(
        profile_id="faults",
        city="榕江区",
        levels=[{"code": "street", "zh": "街道", "en": "Street"}],
        roles=[{"code": "officer", "zh": "干事", "en": "Officer"}],
        powers={"officer": POWERS},
        intake=["officer"],
        parameters={"anonymous_a_day": 100_000},  # the load signs for nothing
        code_lists={"issue_categories": {"clutter": {"zh": "楼道堆物", "en": "Clutter"}}},
    )
    do("registry/adopt_profile", **profile)
    for place, kind in (("350104", "district"), (STREET, "street"), (COMPOUND, "compound")):
        do("registry/register_place", place=place, kind=kind, name=place, parent=place.rpartition(".")[0])
    do(
        "registry/establish_organisation",
        organisation_id="street",
        type="party",
        name="街道党工委",
        level="street",
        place=STREET,
    )
    do("registry/register_person", person_id=OFFICER, name="陈干事", place=STREET)
    do("registry/establish_post", post_id=OFFICER_POST, organisation_id="street", role="officer", title="干事")
    for person in WALKERS:
        do("registry/register_person", person_id=person, name="林晓燕", place=COMPOUND)
    do("registry/appoint_person", post_id=OFFICER_POST, person_id=OFFICER)
    do("accounts", username=OFFICER, password=PASSWORD, person_id=OFFICER)
    tokens["officer"] = do("sign-in", username=OFFICER, password=PASSWORD)["token"]
    city.converge()
    officer = Api(city.url, tokens["officer"], OFFICER_POST)
    do = Founder(officer)
    do("funding/propose_project", project_id=PROJECT, title="下水管网改造", place=COMPOUND, budget_fen=10**12,
       shares={"society": 10**12}, criteria=[{"code": "flow", "zh": "排水通畅", "en": "drains run free"}])  # fmt: skip
    do("funding/approve_project", project_id=PROJECT)
    do("volunteers/form_team", team_id=TEAM, kind="safety", name="夜巡队", place=COMPOUND)
    for person in WALKERS:
        do("volunteers/register_volunteer", person_id=person, name="林晓燕", home=COMPOUND)
        do("volunteers/join_team", team_id=TEAM, person_id=person)
    city.converge()
    return tokens


class Founder:
    """Sends a command until it has an answer."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._count = 0
        self._after: dict[str, int] = {}  # what was written must be seen by what builds on it

    def __call__(self, path: str, **body: Any) -> dict[str, Any]:
        """The answer; raises `Refused`, or `Unknown` when there is none within 30 s."""
        self._count += 1
        deadline = time.monotonic() + 30
        after = ",".join(f"{service}={position}" for service, position in self._after.items())
        while True:
            try:
                answer = self._api.send(path, body, f"found-{self._count}", after)
                if "service" in answer:
                    self._after[answer["service"]] = answer["position"]
                return answer
            except Unknown:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
