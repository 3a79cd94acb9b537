"""In every history that decisions can make, a post has one holder a day, and every service's authority view agrees (C13)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry import domain
from services.registry.events import CODEC, AppointmentEnded, PersonAppointed
from services.registry.views import VIEWS
from shared.domain.errors import LinliError
from shared.domain.record import Record
from shared.following.authority import authority_views, held_on
from tests.domain.registry.facts import BRANCH_ROW, POST
from tests.kit import ANYONE

FIRST = date(2025, 1, 1)
DAYS = 12
day = st.integers(0, DAYS - 1)
person = st.sampled_from(["p-a", "p-b", "p-c"])
appoint = st.tuples(st.just("appoint"), day, person, st.none() | day, st.none() | day)
end = st.tuples(st.just("end"), day, person, st.none() | day)


def on(number: int | None) -> str:
    return "" if number is None else (FIRST + timedelta(number)).isoformat()


def record(event: Any, position: int) -> Record:
    empty = dict.fromkeys(Record.__struct_fields__, "")
    numbers = {"position": position, "version": position, "schema": 1, "commit_position": position, "commit_size": 1}
    data = msgspec.Raw(CODEC.encode(event))
    return Record(**empty | numbers | {"type": type(event).__name__, "stream": "post-post-1", "data": data})  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(appoint, end), max_size=14))
def test_one_holder_a_day(asked: list[Any]) -> None:
    views = {view.name: view for view in (*VIEWS, *authority_views())}
    rows: dict[str, dict[str, Any]] = {"posts": {}, "appointments": {}, "authority_posts": {}}
    state = domain.POST.evolve(domain.POST.initial("post-1"), POST)
    facts: list[Any] = [POST]
    for what, today, who, *days in asked:
        at = f"{on(today)}T09:00:00+08:00"
        try:
            if what == "appoint":
                events = domain.appoint(
                    state,
                    by=ANYONE,
                    at=at,
                    person_id=who,
                    since=on(days[0]),
                    until=on(days[1]),
                    person={"erased": 0},
                    organisation=BRANCH_ROW,
                    ex_officio=None,
                )
            else:
                events = domain.end_appointment(state, by=ANYONE, at=at, person_id=who, until=on(days[0]), reason="")
        except LinliError:
            continue
        for event in events:
            state = domain.POST.evolve(state, event)
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
        for name in rows:
            if (name, type(event).__name__) == ("authority_posts", "PostEstablished"):
                continue
            entry = record(event, position)
            for key in views[name].keys(event, entry):
                row = views[name].fold(rows[name].get(key, {}), event, entry)
                assert row is not None
                views[name].check(row)
                rows[name][key] = row
    if terms:
        latest, post = rows["authority_posts"]["post-1"], rows["posts"]["post-1"]
        assert [latest["person_id"], latest["since"], latest["until"]] == terms[-1]
        for number in range(DAYS):
            held = bool(post["person_id"]) and held_on(post, on(number))
            assert held == held_on(latest, on(number)), "the page of posts and the authority to act disagree"
        served = {(row["person_id"], row["since"], row["until"]) for row in rows["appointments"].values()}
        assert served >= {tuple(one) for one in terms if one[1] != one[2]}
