"""In every history that decisions can make, a post has one holder a day, and every service's authority view agrees."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.organisation.state import ORGANISATION
from services.registry.person import PERSON
from services.registry.post.holding import appoint_person, end_appointment
from services.registry.post.rows import APPOINTMENTS, POSTS
from services.registry.post.state import POST as POST_
from services.registry.post.state import AppointmentEnded, PersonAppointed
from shared.domain.city import held_on
from shared.domain.city_rows import city_views
from shared.domain.errors import LinliError
from tests.domain.registry.facts import BRANCH, CHEN, POST, city
from tests.kit import ANYONE
from tests.kit.rows import MemoryRows, record_of
from tests.kit.spec import folded

FIRST = date(2025, 1, 1)
DAYS = 12
day = st.integers(0, DAYS - 1)
person = st.sampled_from(["p-a", "p-b", "p-c"])
appoint = st.tuples(st.just("appoint"), day, person, st.none() | day, st.none() | day)
end = st.tuples(st.just("end"), day, person, st.none() | day)


def on(number: int | None) -> str:
    return "" if number is None else (FIRST + timedelta(number)).isoformat()


CITY = city()
STANDING, KNOWN = folded(ORGANISATION, "branch", BRANCH), folded(PERSON, "p-chen", CHEN)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(appoint, end), max_size=14))
def test_one_holder_a_day(asked: list[Any]) -> None:
    rows = MemoryRows((POSTS, APPOINTMENTS, *(view for view in city_views() if view.name == "city_posts")))
    state = folded(POST_, "post-1", POST)
    facts: list[Any] = [POST]
    for what, today, who, *days in asked:
        at = f"{on(today)}T09:00:00+08:00"
        try:
            if what == "appoint":
                events = appoint_person(
                    state,
                    by=ANYONE,
                    at=at,
                    person_id=who,
                    since=on(days[0]),
                    until=on(days[1]),
                    person=KNOWN,
                    organisation=STANDING,
                    ex_officio=None,
                    city=CITY,
                )
            else:
                events = end_appointment(
                    state, by=ANYONE, at=at, person_id=who, until=on(days[0]), reason="", city=CITY, others={}
                )
        except LinliError:
            continue
        for event in events:
            state = POST_.evolve(state, event)
        facts += events
    terms: list[list[Any]] = []
    for event in facts:
        if isinstance(event, PersonAppointed):
            terms.append([event.person_id, event.since, event.until])
        elif isinstance(event, AppointmentEnded):
            assert terms[-1][:2] == [event.person_id, event.since]
            terms[-1][2] = event.until
    for number in range(DAYS):
        today_ = on(number)
        holders = [who for who, since, until in terms if since <= today_ and (not until or today_ < until)]
        assert len(holders) <= 1, "two holders on one day"
    for position, event in enumerate(facts, 1):
        rows.apply(event, record_of(type(event).__name__, b"{}", position, "post-post-1", position))
    if terms:
        latest, post = rows.rows["city_posts"]["post-1"], rows.rows["posts"]["post-1"]
        withdrawn = terms[-1][1] == terms[-1][2]
        assert [latest["person_id"], latest["since"], latest["until"]] == (["", "", ""] if withdrawn else terms[-1])
        assert all(post[name] == latest[name] for name in ("person_id", "since", "until"))
        for number in range(DAYS):
            held = [
                who for who, since, until in terms[-1:] if since <= on(number) and (not until or on(number) < until)
            ]
            assert held_on(post, on(number)) == bool(held), "the page of posts and what happened disagree"
        served = {(row["person_id"], row["since"], row["until"]) for row in rows.rows["appointments"].values()}
        assert served >= {tuple(one) for one in terms if one[1] != one[2]}
