"""The city as every service knows it: places, organisations, posts, who holds them, persons, catalogue entries.

One set of views over the registry's facts that each service follows, the registry itself too, and one reader for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from shared.domain.calendar import OwnDays, Year
from shared.domain.catalogue import TRIAGE
from shared.domain.city_rows import NEVER
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from shared.domain.fields import look
from shared.domain.parameters import FORMER
from shared.domain.territory import depth, lineage
from shared.domain.view import Row, Rows
from shared.domain.words import _, said

#: Rows read with one question.
_AT_A_TIME = 500
#: Kinds on days of which the entries are kept in memory.
_MOST_ENTRIES = 500


def held_on(post: Mapping[str, Any], day: str) -> bool:
    """Whether a post is held on a day (ISO date); `until` is the first day after."""
    return bool(post["person_id"]) and post["since"] <= day and (not post["until"] or day < post["until"])


class Entry(msgspec.Struct, frozen=True):
    """A version of a catalogue entry: words, data as its kind has them, the days from and before which it holds ("": open)."""

    code: str
    zh: str
    en: str
    version: int
    data: dict[str, Any]
    since: str = ""
    until: str = ""


def _entry(code: str, row: Row) -> Entry:
    return Entry(code, row["zh"], row["en"], row["version"], row["data"], row["since"], row["until"])


class Catalogue:
    """The entries as last read; shared by all calls of a process, since they seldom change."""

    def __init__(self) -> None:
        self._position = -1
        self._rows: dict[str, Row] = {}
        self._entries: dict[tuple[str, str], dict[str, Entry]] = {}

    def codes(self, rows: Rows, kind: str) -> dict[str, list[Row]]:
        """The codes of a kind with their versions; read anew when any entry changed since."""
        position = int((rows.get("city_entries", "version") or {"position": 0})["position"])
        if position != self._position:
            self._position, self._rows, self._entries = position, {}, {}
        if kind not in self._rows:
            self._rows[kind] = rows.get("city_entries", kind) or {}
        codes: dict[str, list[Row]] = self._rows[kind].get("codes", {})
        return codes

    def entries(self, rows: Rows, kind: str, day: str) -> dict[str, Entry]:
        """The entries of a kind that hold on a day, by code, in the order of their rank."""
        codes = self.codes(rows, kind)
        if (kind, day) not in self._entries:
            if len(self._entries) >= _MOST_ENTRIES:
                self._entries.clear()
            found = [
                _entry(code, one)
                for code, versions in codes.items()
                for one in versions
                if one["since"] <= day and (not one["until"] or day < one["until"])
            ]
            ranked = sorted(found, key=lambda one: one.data.get("rank", 0))
            self._entries[kind, day] = {one.code: one for one in ranked}
        return self._entries[kind, day]


class City:
    """The city on a day (ISO date), as this service's views know it; `rows` are those views."""

    def __init__(self, rows: Rows, day: str, catalogue: Catalogue | None = None) -> None:
        self.rows = rows
        self.day = day
        self._catalogue = catalogue or Catalogue()

    # -- catalogue entries --

    def versions(self, kind: str) -> dict[str, list[Entry]]:
        """All that was ever adopted of a kind: each code with its versions, the oldest first."""
        codes = self._catalogue.codes(self.rows, kind)
        return {code: [_entry(code, one) for one in versions] for code, versions in codes.items()}

    def entries(self, kind: str) -> dict[str, Entry]:
        """The entries of a kind that hold on the day, by code; those of levels, widths and the like in the order of their rank."""
        return self._catalogue.entries(self.rows, kind, self.day)

    def code(self, kind: str, code: str, field: str = "") -> Entry:
        """The entry of a code; raises `BadInputError` when the city's list does not have it on the day."""
        entries = self.entries(kind)
        if code not in entries:
            known = ", ".join(sorted(entries)) or "none"
            raise BadInputError(
                _("{code} is not on the city's list {list}; known: {known}"),
                {field or kind: said(_("not on the city's list {list}"), list=kind)},
                code=code,
                list=kind,
                known=known,
            )
        return entries[code]

    def parameter(self, name: str) -> int:
        """A number that rules use; raises `IllegalStateError` when the city has not set it, though it could."""
        entry = self.entries("parameters").get(name)
        if entry is None and name in FORMER:
            return FORMER[name]
        if entry is None:
            raise IllegalStateError(
                _("the city has not set the parameter {name}; adopt an entry for it first"), name=name
            )
        return int(entry.data["value"])

    def window(self, command: str, power: str) -> int:
        """How many days back a command may be dated: what the city says of the command, of its power, or of all."""
        windows = self.entries("windows")
        entry = windows.get(command) or windows.get(power)
        return int(entry.data["days"]) if entry else self.parameter("late_entry_days")

    def days(self) -> OwnDays:
        """What the city says of working days: its own days off, a year of each entry at most, and calendars of years."""
        years = {
            int(code): Year(frozenset(entry.data["off"]), frozenset(entry.data["worked"]))
            for code, entry in self.entries("calendars").items()
        }
        return OwnDays(self._days_off(), years)

    def _days_off(self) -> frozenset[str]:
        return frozenset(
            (date.fromisoformat(entry.data["first"]) + timedelta(days=later)).isoformat()
            for entry in self.entries("days_off").values()
            for later in range(min(366, _days(entry.data["first"], entry.data["last"])))
        )

    def powers(self, role: str) -> frozenset[str]:
        """What a role may do."""
        entry = self.entries("roles").get(role)
        return frozenset(entry.data["powers"]) if entry else frozenset()

    # -- places --

    def place(self, place: str) -> Row | None:
        """A place, None when the registry has not registered it."""
        return self.rows.get("city_places", place) if place else None

    def known_place(self, place: str, field: str = "place") -> None:
        """Raise `NotFoundError` for a place that is not registered, `IllegalStateError` for one that has ended; "" is the whole city."""
        row = self.place(place)
        if place and row is None:
            raise NotFoundError(
                _("there is no place {place}; register it first"), {field: said(_("unknown"))}, place=place
            )
        if row is not None and row.get("ended", NEVER) <= self.day:
            now = self.after(row)
            raise IllegalStateError(
                _("{place} ended on {day}; it is {successors} now"),
                {field: said(_("ended; choose {successors}"), successors=", ".join(one["place"] for one in now))},
                place=row["name"],
                day=row["ended"],
                successors=", ".join(f"{one['name']} ({one['place']})" for one in now),
            )

    def after(self, place: Row) -> list[Row]:
        """The places that are today what an ended place was, through all that ended since; the one that got what was open there first."""
        found: dict[str, Row] = {}
        asked = [place["heir"], *place["successors"]]
        while asked:
            row = self.place(asked.pop(0))
            if row is not None and row["place"] not in found and row["place"] != place["place"]:
                if row.get("ended"):
                    asked[:0] = [row["heir"], *row["successors"]]
                else:
                    found[row["place"]] = row
        return list(found.values())

    def unlocked(self, subject: str, code: str) -> bool:
        """Whether a place, organisation or post has passed a checklist that unlocks this; "" needs nothing."""
        if not code:
            return True
        row = self.rows.get("city_unlocked", subject) or {}
        return any(
            found["unlocks"] == code and found["since"] <= self.day for name, found in row.items() if name != "key"
        )

    # -- organisations --

    def organisation(self, organisation_id: str) -> Row | None:
        """An organisation, dissolved ones too."""
        return self.rows.get("city_organisations", organisation_id) if organisation_id else None

    def level_of(self, organisation_id: str) -> str:
        """The level of an organisation, "" when it is not known."""
        row = self.organisation(organisation_id)
        return str(row["level"]) if row else ""

    def bodies_above(self, organisation_id: str) -> list[str]:
        """The organisations above one, nearest first; a tree that bites its tail ends where it began."""
        found: list[str] = []
        row = self.organisation(organisation_id)
        while row and (parent := row["parent_id"]) and parent not in found and parent != organisation_id:
            found.append(parent)
            row = self.organisation(parent)
        return found

    # -- posts and persons --

    def post(self, post_id: str) -> Row | None:
        """A post with its latest holder."""
        return self.rows.get("city_posts", post_id) if post_id else None

    def holder(self, post_id: str, field: str = "post_id") -> Row:
        """A post that is held on the day; raises `NotFoundError` when there is none, `IllegalStateError` when it is vacant."""
        post = self.post(post_id)
        if post is None:
            raise NotFoundError(_("there is no post {post}"), {field: said(_("unknown"))}, post=post_id)
        if post["abolished"] or not held_on(post, self.day):
            raise IllegalStateError(
                _("nobody holds the post {post} on {day}; appoint somebody first"),
                {field: said(_("vacant"))},
                post=post["title"] or post_id,
                day=self.day,
            )
        return post

    def posts_over(self, place: str, roles: Iterable[str]) -> list[Row]:
        """The posts of these roles for a place or one above it that are held on the day.

        The closest come first, equally close ones in the order of the roles.
        """
        above, ranked = [*lineage(place), ""], list(roles)
        if not ranked:
            return []
        where = {"place": above, "role": ranked}
        found = [post for post in self._every("city_posts", where) if not post["abolished"] and held_on(post, self.day)]
        return sorted(found, key=lambda post: (above.index(post["place"]), ranked.index(post["role"]), post["post_id"]))

    def posts_of(self, person_id: str) -> list[Row]:
        """The posts that a person holds on the day."""
        found = self._every("city_posts", {"person_id": person_id}) if person_id else []
        return [post for post in found if held_on(post, self.day) and not post["abolished"]]

    def roles_with(self, *powers: str) -> list[str]:
        """The roles that give all of these powers."""
        ways = [{power, power.partition(".")[0] + ".*", "*"} for power in powers]
        roles = self.entries("roles").items()
        return [code for code, role in roles if all(way & set(role.data["powers"]) for way in ways)]

    def posts_with(self, power: str, place: str) -> list[Row]:
        """The posts whose holders may do something at a place, the closest first: who to ask."""
        return self.posts_over(place, self.roles_with(power))

    def posts_for(self, place: str, roles: Iterable[str]) -> list[Row]:
        """As `posts_over`; where no post covers the place, the topmost ones of these roles are its last resort (X13)."""
        ranked = list(roles)
        if found := self.posts_over(place, ranked):
            return found
        held = self._every("city_posts", {"role": ranked}) if ranked else []
        able = [post for post in held if not post["abolished"] and held_on(post, self.day)]

        def from_the_top(post: Row) -> tuple[int, int, int, str]:
            above = len(self.bodies_above(post["organisation_id"]))
            return above, depth(post["place"]), ranked.index(post["role"]), post["post_id"]

        return sorted(able, key=from_the_top)

    def intake_roles(self) -> list[str]:
        """The roles that take in issues in their order: the city ranks them, and they may triage (X13)."""
        ranks = {code: role.data.get("intake", 0) for code, role in self.entries("roles").items()}
        return sorted((code for code in self.roles_with(TRIAGE) if ranks[code]), key=lambda code: (ranks[code], code))

    def person(self, person_id: str) -> Row | None:
        """A registered person: where, and whether their data were erased."""
        return self.rows.get("city_persons", person_id) if person_id else None

    # -- names --

    def named(self, rows: Iterable[Row], *more: str) -> list[Row]:
        """Rows with the names of the organisations, posts and places they mention, read with one question a kind.

        Fields are `organisation_id`, `post_id` and `place`, and those with a prefix in `more` (`to_`): `organisation`,
        `organisation_en`, `post`, `post_en`, and `place_names` from the top down are added.
        """
        rows = list(rows)
        prefixes = ("", *more)
        bodies = self._many(
            "city_organisations", (row.get(f"{one}organisation_id") for row in rows for one in prefixes)
        )
        posts = self._many("city_posts", (row.get(f"{one}post_id") for row in rows for one in prefixes))
        places = self._many("city_places", (above for row in rows for above in lineage(row.get("place") or "")))
        named = []
        for row in rows:
            labels: Row = {}
            for prefix in prefixes:
                if body := bodies.get(row.get(f"{prefix}organisation_id") or ""):
                    labels |= {f"{prefix}organisation": body["name"], f"{prefix}organisation_en": body["name_en"]}
                if post := posts.get(row.get(f"{prefix}post_id") or ""):
                    labels |= {f"{prefix}post": post["title"], f"{prefix}post_en": post["title_en"]}
            path = [places[place] for place in reversed(lineage(row.get("place") or "")) if place in places]
            labels["place_names"] = [
                _name(one) | ({"now": [_name(other) for other in self.after(one)]} if one.get("ended") else {})
                for one in path
            ]
            named.append(row | labels)
        return named

    def _many(self, view: str, keys: Iterable[str | None]) -> dict[str, Row]:
        wanted = sorted({key for key in keys if key})
        found: dict[str, Row] = {}
        for start in range(0, len(wanted), _AT_A_TIME):
            found |= self.rows.get_many(view, wanted[start : start + _AT_A_TIME])
        return found

    def _every(self, view: str, where: Mapping[str, Any]) -> list[Row]:
        return list(every(self.rows, view, where))


def _name(place: Row) -> Row:
    return {"place": place["place"], "zh": place["name"], "en": place["name_en"]}


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last or first) - date.fromisoformat(first)).days + 1


def unlike(name: str, siblings: Iterable[Row]) -> None:
    """Raise `IllegalStateError` for a name that looks like that of a sibling: nobody could tell the two apart in a list."""
    if twin := next((row["name"] for row in siblings if look(row["name"]) == look(name)), ""):
        raise IllegalStateError(
            _("there is {name} here already; give it a name that can be told apart"),
            {"name": said(_("looks like another one's"))},
            name=twin,
        )


def every(rows: Rows, view: str, where: Mapping[str, Any], order: str = "key") -> Iterable[Row]:
    """All rows that match, page by page."""
    cursor = None
    while True:
        page = rows.find(view, where, order, _AT_A_TIME, cursor)
        yield from page.rows
        if (cursor := page.next) is None:
            return
