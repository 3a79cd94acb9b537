"""Who answers for an issue: at each moment one living holder of one post, whatever becomes of posts and persons (X13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from services.issues.issue.facts import IssueFact, IssueHandedUp, IssueInherited, IssueRaised, IssueRelocated
from services.issues.issue.state import ISSUE, OPEN, Issue
from shared.domain.calendar import working_day_after
from shared.domain.catalogue import TRIAGE
from shared.domain.city import City, every, held_on
from shared.domain.clock import Rule
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.record import Record
from shared.domain.territory import within
from shared.domain.view import Row
from shared.domain.words import Said, _, said

#: What a post must let its holder do to be given an issue.
HANDLES = ("issue.accept", "issue.resolve")
#: What the person concerned says, or that nobody was reached.
RESULTS = ("satisfied", "not_satisfied", "unreachable")
_EVERY: Mapping[str, Any] = {}


def answers(post_id: str, person_id: str, city: City) -> bool:
    """Whether a person holds a post on the day, can be known, and may do something with issues."""
    post = city.post(post_id)
    return post is not None and _held(post, city) and post["person_id"] == person_id


def _held(post: Row, city: City) -> bool:
    person = city.person(post["person_id"])
    gone = post["abolished"] or (person and person["erased"])
    return held_on(post, city.day) and not gone and _acts(post["role"], city)


def _acts(role: str, city: City) -> bool:
    """Whether a role lets one do something with an issue at all: judge it, or take it on and resolve it."""
    entry = city.entries("roles").get(role)
    powers = set(entry.data["powers"]) if entry else set()
    return not powers.isdisjoint(("*", "issue.*", TRIAGE)) or powers.issuperset(HANDLES)


def answering(power: str) -> Callable[[Issue, Mandate], bool]:
    """Whether somebody acts on what their own post answers for: their role's power reaches it, wherever it lies (X13)."""
    return lambda issue, by: bool(by.post_id) and by.post_id == issue.post_id and by.may(power, by.place)


def its_post(issue: Issue, by: Mandate) -> Said | None:
    """Why somebody may not do what is for the accountable post."""
    return None if by.post_id == issue.post_id else said(_("only the post that answers for the issue does that"))


def able(place: str, city: City, below: str = "") -> list[Row]:
    """The posts that can take an issue at a place on and resolve it, the closest first; only of bodies above one that is named."""
    posts = city.posts_for(place, city.roles_with(*HANDLES))
    if not below:
        return posts
    line = city.bodies_above(below)
    return [post for post in posts if post["organisation_id"] in line]


def results_for(issue: Issue, by: Mandate) -> list[str]:
    """The answers that somebody may record: that nobody was reached only who calls back, and not after a satisfied answer."""
    tried = by.may("issue.follow_up", issue.place) and issue.followed != "satisfied"
    return [result for result in RESULTS if result != "unreachable" or tried]


def takers(place: str, city: City) -> list[Row]:
    """The posts that take in what is reported at a place, the closest first; the topmost ones are the last resort."""
    return [post for post in city.posts_for(place, city.intake_roles()) if _held(post, city)]


def above(issue: Issue, city: City) -> Row | None:
    """The next post above the accountable one that takes in issues; None when there is none."""
    line = city.bodies_above(issue.organisation_id)
    higher = [post for post in takers(issue.place, city) if post["organisation_id"] in line]
    return min(higher, key=lambda post: line.index(post["organisation_id"]), default=None)


def _heir(issue: Issue, city: City) -> Row | None:
    """Who answers when the accountable person cannot: the next above, or whoever else takes in issues there or, at last, anywhere."""
    if (found := above(issue, city)) is not None:
        return found
    anywhere = (post for post in city.posts_for("", city.intake_roles()) if _held(post, city))
    return next(iter(takers(issue.place, city)), None) or next(anywhere, None)


def given_to(post: Row, city: City) -> dict[str, str]:
    """The fields of facts that make the holder of a post accountable."""
    return {
        "organisation_id": post["organisation_id"],
        "person_id": post["person_id"],
        "post_id": post["post_id"],
        "level": city.level_of(post["organisation_id"]),
    }


def pass_on(issue: Issue, *, by: Mandate, at: str, city: City, day: str = "") -> list[Event]:
    """Make the successor in the post accountable, else the next above, unless the accountable person still holds it.

    That is asked of a `day`, empty: the city's. Policies ask it of today, as it is asked who may act, whatever day is said of what made
    them. Where nobody in the whole city takes in issues it stays as it is; the registry does not let the last one go.
    """
    city = City(city.rows, day or city.day)
    if issue.status not in OPEN or answers(issue.post_id, issue.person_id, city):
        return []
    post = city.post(issue.post_id)
    if post is not None and _held(post, city):
        return [IssueInherited(issue_id=issue.id, person_id=post["person_id"])]
    if (heir := _heir(issue, city)) is None:
        return []
    return [IssueHandedUp(issue_id=issue.id, cause=_cause(issue, post, city), **given_to(heir, city))]


def _cause(issue: Issue, post: Row | None, city: City) -> str:
    body, person = city.organisation(issue.organisation_id), city.person(issue.person_id)
    if body is not None and body["until"]:
        return "dissolved"
    if post is not None and post["abolished"]:
        return "abolished"
    if post is not None and not _acts(post["role"], city):
        return "powerless"
    return "erased" if person is not None and person["erased"] else "vacant"


def on_holding_changed(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
    """Open issues of a post, organisation or person that the registry changed find their successor, or go up (A11, X13)."""
    named = next(name for name in ("post_id", "organisation_id", "person_id") if name in fact)
    for row in list(every(city.rows, "cases", {named: fact[named], "open": 1})):
        yield Decision(ISSUE, row["issue_id"], pass_on, {"day": city.day})


def on_role_adopted(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
    """A role that lets one do nothing with issues any more leaves none of them with its posts (X13)."""
    code = fact["code"] if fact["kind"] == "roles" else ""
    for post in list(every(city.rows, "city_posts", {"role": code})) if code and not _acts(code, city) else ():
        for row in list(every(city.rows, "cases", {"post_id": post["post_id"], "open": 1})):
            yield Decision(ISSUE, row["issue_id"], pass_on, {"day": city.day})


def on_given(fact: IssueFact, record: Record, city: City) -> Iterable[Decision]:
    """An issue that was given to somebody who had left in the meantime, or at a place that had ended, goes on at once (X13)."""
    row = city.rows.get("cases", fact.issue_id) or {}
    place = city.place(row.get("place", ""))
    if place is not None and place.get("ended") and (now := city.after(place)):  # reopened, or reported in the meantime
        yield Decision(ISSUE, fact.issue_id, relocate, {"place": now[0]["place"], "day": city.day})
    if row.get("open") and not answers(row["post_id"], row["person_id"], city):
        yield Decision(ISSUE, fact.issue_id, pass_on, {"day": city.day})


def relocate(issue: Issue, *, by: Mandate, at: str, city: City, place: str, day: str) -> list[Event]:
    """An open issue goes to the place that came after its own; a post that is not over that place hands it to who takes in issues there."""
    city = City(city.rows, day)
    if issue.status not in (*OPEN, "resolved", "held") or issue.place == place:
        return []
    moved = IssueRelocated(issue_id=issue.id, place=place)
    post = city.post(issue.post_id)
    there = next(iter(takers(place, city)), None)
    if issue.status not in OPEN or there is None or (post is not None and within(place, post["place"])):
        return [moved]
    return [moved, IssueHandedUp(issue_id=issue.id, cause="relocated", **given_to(there, city))]


def on_place_ended(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
    """What is open at a place that has ended goes to its heir; what is closed stays where it was."""
    for row in list(every(city.rows, "cases", {"place": fact["place"]})):
        yield Decision(ISSUE, row["issue_id"], relocate, {"place": fact["heir"], "day": city.day})


def holderless(city: City, where: Mapping[str, Any] = _EVERY) -> Iterable[Row]:
    """Open issues whose accountable person does not hold the post on the day; the clock leaves none of them."""
    for row in every(city.rows, "cases", {**where, "open": 1}):
        if not answers(row["post_id"], row["person_id"], city):
            yield row


#: When the term of an accountable person is over, the issue has another one from that day on (X13).
LEFT = Rule(
    "issue_holder_left",
    ISSUE,
    rows=holderless,
    decide=pass_on,
    period=lambda row: f"{row['post_id']} {row['person_id']} {row['given']}",
)


def raise_untaken(issue: Issue, *, by: Mandate, at: str, city: City, post_id: str, days: int) -> list[Event]:
    """Hand an issue that a post has not judged, or not sent out, to the next above; at the top it stays."""
    post = above(issue, city) if issue.status in _WAITING and issue.post_id == post_id else None
    return [IssueRaised(issue_id=issue.id, days=days, **given_to(post, city))] if post is not None else []


#: In which an issue waits for its post without a time limit, and since when it has.
_WAITING = {"reported": "given", "triaged": "changed"}


def _untaken(city: City) -> Iterable[Row]:
    """Issues that wait for somebody longer than so many working days; `days` are these, `since` is when the waiting began."""
    entry = city.entries("parameters").get("untaken_days")
    if entry is None:  # a city that has not said it since the program asks for it
        return
    days = int(entry.data["value"])
    for row in every(city.rows, "cases", {"status": list(_WAITING), "given__lt": city.day}):
        since = row[_WAITING[row["status"]]]
        if working_day_after(since[:10], days, city.days()).date < city.day:
            yield row | {"days": days, "since": since}


#: What nobody acts on in the city's `untaken_days` rises, and again, up to the top (X13).
UNTAKEN = Rule(
    "issue_untaken",
    ISSUE,
    rows=_untaken,
    decide=raise_untaken,
    period=lambda row: str(row["since"]),
    arguments=lambda row: {"post_id": row["post_id"], "days": row["days"]},
)
