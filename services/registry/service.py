"""The registry on the bus: what others may ask it; nothing is decided here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.registry import domain, figures, pages
from services.registry.definition import DEFINITION
from services.registry.views import NEVER
from shared.domain.calendar import LOCAL
from shared.domain.errors import NotFoundError
from shared.service.service import Followed, Here, command, query


class RegistryService(Followed):
    """Places, organisations, posts and persons. Commands return the receipt, queries read the views.

    Queries are public unless they say so; names of persons are masked for those who may not read them.
    """

    name = "registry"
    here: Any = Here(DEFINITION)

    @command
    def adopt_profile(self, profile_id: str, **ask: Any) -> dict[str, Any]:
        """Adopt a version of the city's profile (A03, C13)."""
        return self._execute(
            domain.PROFILE,
            profile_id,
            domain.adopt,
            current=self._profile(),
            used_levels=sorted(self.here.views.count_by("organisations", "level", {"ended": NEVER})),
            used_roles=sorted(self.here.views.count_by("posts", "role", {"abolished": ""})),
            **ask,
        )

    @command
    def register_place(self, place: str, **ask: Any) -> dict[str, Any]:
        """Register a place below its parent (C02, C29, C50, D04)."""
        parent = self.here.views.get("places", ask["parent"]) if ask["parent"] else None
        return self._execute(
            domain.PLACE, place, domain.register_place, parent_place=parent, profile=self._profile(), **ask
        )

    @command
    def measure_place(self, place: str, **ask: Any) -> dict[str, Any]:
        """Record a measure of a place with its qualifier and source (C02, X04)."""
        return self._execute(domain.PLACE, place, domain.measure, profile=self._profile(), **ask)

    @command
    def count_households(self, place: str, **ask: Any) -> dict[str, Any]:
        """Record how many households a building has (C02)."""
        elsewhere = figures.counted_elsewhere(self.here.views, place)
        return self._execute(domain.PLACE, place, domain.count_households, counted_elsewhere=elsewhere, **ask)

    @command
    def establish_organisation(self, organisation_id: str, **ask: Any) -> dict[str, Any]:
        """Establish an organisation under one of a higher level (A03, C06)."""
        return self._execute(
            domain.ORGANISATION,
            organisation_id or self.here.new_id("organisation"),
            domain.establish,
            profile=self._profile(),
            place_row=self.here.views.get("places", ask["place"]),
            parent=self._organisation(ask["parent_id"]),
            **ask,
        )

    @command
    def dissolve_organisation(self, organisation_id: str, **ask: Any) -> dict[str, Any]:
        """End an organisation that has nothing below it and no posts held (A06)."""
        day = ask["until"] or self._today()
        children = self.here.views.find("organisations", {"parent_id": organisation_id, "ended__gt": day}).rows
        posts = self.here.views.find("posts", {"organisation_id": organisation_id, "held_until__gt": day}).rows
        return self._execute(
            domain.ORGANISATION,
            organisation_id,
            domain.dissolve,
            children=[row["name"] for row in children],
            posts_held=[row["title"] for row in posts],
            **ask,
        )

    @command
    def establish_post(self, post_id: str, **ask: Any) -> dict[str, Any]:
        """Establish a post of an organisation; its role gives the powers (A11, C13)."""
        return self._execute(
            domain.POST,
            post_id or self.here.new_id("post"),
            domain.establish_post,
            profile=self._profile(),
            organisation=self._organisation(ask["organisation_id"]),
            ex_officio=self._post(ask["ex_officio_post_id"]),
            **ask,
        )

    @command
    def abolish_post(self, post_id: str, **ask: Any) -> dict[str, Any]:
        """End a post that nobody holds."""
        return self._execute(domain.POST, post_id, domain.abolish, **ask)

    @command
    def register_person(self, person_id: str, name: str, place: str) -> dict[str, Any]:
        """Register a person once, by a sealed name (X09)."""
        person_id = person_id or self.here.new_id("person")
        place = place or self.here.mandate.place
        self.here.require("registry.person", place)  # before a key is made
        sealed = self.here.personal.seal(person_id, name)
        return self._execute(domain.PERSON, person_id, domain.register_person, name=sealed, place=place)

    @command
    def appoint_person(self, post_id: str, **ask: Any) -> dict[str, Any]:
        """Appoint a person to a post that nobody holds (C13)."""
        post = self._post(post_id)
        return self._execute(
            domain.POST,
            post_id,
            domain.appoint,
            person=self.here.views.get("persons", ask["person_id"]),
            organisation=self._organisation(post["organisation_id"]) if post else None,
            ex_officio=self._post(post["ex_officio_post_id"]) if post else None,
            **ask,
        )

    @command
    def end_appointment(self, post_id: str, **ask: Any) -> dict[str, Any]:
        """End the appointment of a post's holder."""
        return self._execute(domain.POST, post_id, domain.end_appointment, **ask)

    @command
    def erase_person(self, person_id: str, **ask: Any) -> dict[str, Any]:
        """Erase a person's data for good by destroying their key (X09)."""
        held = self.here.views.find("appointments", {"person_id": person_id, "held_until__gt": self._today()}).rows
        receipt = self._execute(
            domain.PERSON, person_id, domain.erase, posts_held=[row["post_id"] for row in held], **ask
        )
        self.here.personal.erase(person_id)  # a repeated command comes here again if this was interrupted
        return receipt

    @query
    def get_profile(self, version: int) -> dict[str, Any]:
        """The city's profile in force, or an earlier version."""
        row: dict[str, Any] | None = self.here.views.get("profiles", f"version-{version:09d}" if version else "current")
        if row is None:
            raise NotFoundError(
                f"the city has no version {version} of a profile" if version else "the city has adopted no profile yet"
            )
        return row

    @query
    def find_places(self, limit: int, cursor: str | None, order: str, **where: Any) -> dict[str, Any]:
        """Places of the territory tree."""
        return self._find("places", where, order, limit, cursor)

    @query
    def get_place(self, place: str) -> dict[str, Any]:
        """A place with its measures and households (C02)."""
        return pages.place_page(self.here.views, place)

    @query
    def find_organisations(self, on: str, limit: int, cursor: str | None, order: str, **where: Any) -> dict[str, Any]:
        """Organisations that exist on a day (A06)."""
        day = on or self._today()
        return self._find("organisations", where | {"since__lte": day, "ended__gt": day}, order, limit, cursor)

    @query
    def organisation_tree(self, place: str, on: str) -> dict[str, Any]:
        """The organisations of a place as a tree (A03, C06)."""
        return {"roots": figures.organisation_tree(self.here.views, place, on or self._today())}

    @query
    def find_posts(
        self, limit: int, cursor: str | None, order: str, vacant: bool = False, **where: Any
    ) -> dict[str, Any]:
        """Posts with their current holders, names masked for the public."""
        day = self._today()
        where = where | {"abolished": ""} | ({"held_until__lte": day} if vacant else {})
        found = self._find("posts", where, order, limit, cursor)
        return found | {
            "rows": pages.with_holders(self.here.views, found["rows"], self.here.personal, self.here.mandate, day)
        }

    @query
    def find_appointments(self, limit: int, cursor: str | None, order: str, **where: Any) -> dict[str, Any]:
        """Terms of office, past ones too."""
        return self._find("appointments", where, order, limit, cursor)

    @query
    def posts_of_person(self, person_id: str, on: str) -> dict[str, Any]:
        """The posts a person holds on a day."""
        return {"posts": pages.posts_of(self.here.views, person_id, on or self._today())}

    @query
    def find_persons(self, limit: int, cursor: str | None, order: str, **where: Any) -> dict[str, Any]:
        """Registered persons with their names; needs `registry.read_names` at the place."""
        self.here.require("registry.read_names", where.get("place__under", ""))
        found = self._find("persons", where | {"erased": 0}, order, limit, cursor)
        rows = [row | {"name": pages.shown_name(row, self.here.personal, self.here.mandate)} for row in found["rows"]]
        return found | {"rows": rows}

    @query
    def person_names(self, person_ids: list[str]) -> dict[str, Any]:
        """Names of persons, masked unless the caller has `registry.read_names` (X09)."""
        return {"names": pages.names(self.here.views, person_ids, self.here.personal, self.here.mandate)}

    @query
    def count_figures(self, place: str, on: str) -> dict[str, Any]:
        """The registry's figures of a place on a day (A03, A06, C02, C06)."""
        return figures.count_figures(self.here.views, place, on or self._today())

    def _execute(self, *what: Any, **ask: Any) -> dict[str, Any]:
        receipt: dict[str, Any] = self.here.execute(*what, **ask)
        return receipt

    def _find(self, view: str, where: dict[str, Any], order: str, limit: int, cursor: str | None) -> dict[str, Any]:
        found: dict[str, Any] = self.here.find(view, where, order, limit, cursor)
        return found

    def _today(self) -> str:
        return self.here.at[:10] or datetime.now(LOCAL).date().isoformat()

    def _profile(self) -> dict[str, Any] | None:
        row: dict[str, Any] | None = self.here.views.get("profiles", "current")
        return row

    def _organisation(self, organisation_id: str) -> dict[str, Any] | None:
        row: dict[str, Any] | None = self.here.views.get("organisations", organisation_id) if organisation_id else None
        return row

    def _post(self, post_id: str) -> dict[str, Any] | None:
        row: dict[str, Any] | None = self.here.views.get("posts", post_id) if post_id else None
        return row
