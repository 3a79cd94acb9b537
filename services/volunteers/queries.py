"""What the volunteers service answers from its views, made fit for whoever asks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.volunteers import reading
from shared.domain.calendar import LOCAL
from shared.domain.errors import NotFoundError
from shared.service.service import Call, Followed, query

Answer = dict[str, Any]


class VolunteerQueries(Followed):
    """Lists, single things and figures."""

    here: Call

    @query
    def find_volunteers(self, limit: int, cursor: str | None, order: str, **where: Any) -> Answer:
        """Volunteers, names masked for those who may not read them."""
        found = self.here.find("volunteers", where, order, limit, cursor)
        by, open = self.here.mandate, self.here.personal.open
        return found | {"rows": [reading.named(row, reading.may_read(by, row), open) for row in found["rows"]]}

    @query
    def get_volunteer(self, person_id: str) -> Answer:
        """One volunteer."""
        row = self._row("volunteers", person_id or self.here.mandate.actor, "volunteer")
        return reading.named(row, reading.may_read(self.here.mandate, row), self.here.personal.open)

    @query
    def find_roles(self, limit: int, cursor: str | None, order: str, **where: Any) -> Answer:
        """Who serves which place in which role."""
        return self._named(self.here.find("roles", where, order, limit, cursor))

    @query
    def find_report_ins(self, limit: int, cursor: str | None, order: str, **where: Any) -> Answer:
        """Surveyed members and report-ins: of oneself, or for those who confirm them."""
        if not self.here.mandate.actor or where["person_id"] != self.here.mandate.actor:
            where["place__under"] = self._own_area("volunteer.confirm", where["place__under"])
        return self._named(self.here.find("report_ins", where, order, limit, cursor))

    @query
    def find_teams(self, limit: int, cursor: str | None, order: str, **where: Any) -> Answer:
        """Teams."""
        return self.here.find("teams", where, order, limit, cursor)

    @query
    def find_members(self, limit: int, cursor: str | None, order: str, **where: Any) -> Answer:
        """Members of a team."""
        return self._named(self.here.find("memberships", where, order, limit, cursor))

    @query
    def find_activities(self, limit: int, cursor: str | None, order: str, **where: Any) -> Answer:
        """Activities."""
        return self.here.find("activities", where, order, limit, cursor)

    @query
    def get_activity(self, activity_id: str, limit: int, cursor: str | None) -> Answer:
        """An activity; who took part is shown to those who record it."""
        row = self._row("activities", activity_id, "activity")
        if not self.here.mandate.may("activity.record", row["place"]):
            return row
        found = self.here.find("attendances", {"activity_id": activity_id}, "key", limit, cursor)
        return row | {"attendances": self._named(found)}

    @query
    def find_patrols(self, limit: int, cursor: str | None, order: str, **where: Any) -> Answer:
        """The rota and the log of patrols, for those who keep it."""
        where["place__under"] = self._own_area("patrol.log", where["place__under"])
        return self.here.find("patrols", where, order, limit, cursor)

    @query
    def find_wishes(
        self,
        limit: int,
        cursor: str | None,
        order: str,
        status: str | None,
        claimable: bool,
        mine: str | None,
        place__under: str | None,
    ) -> Answer:
        """Wishes without saying who asked."""
        by, today = self.here.mandate, self._today()
        where: dict[str, Any] = {"status": status, "place__under": place__under}
        if claimable:
            where["free_from__lte"] = today
        if mine and by.actor:
            where[{"asked": "wisher_id", "claimed": "claimant"}[mine]] = by.actor
        elif mine:
            return {"rows": [], "next": None}
        elif not by.may("wish.publish", place__under or ""):
            where["public"] = 1
        found = self.here.find("wishes", where, order, limit, cursor)
        return found | {"rows": [reading.wish_for(row, by, today, self.here.personal.open) for row in found["rows"]]}

    @query
    def get_wish(self, wish_id: str) -> Answer:
        """A wish; what is sealed only to those concerned."""
        row = self._row("wishes", wish_id, "wish")
        if not reading.visible(row, self.here.mandate):
            raise NotFoundError(f"there is no wish {wish_id}")
        return reading.wish_for(row, self.here.mandate, self._today(), self.here.personal.open)

    @query
    def volunteer_figures(self, place: str) -> Answer:
        """Figures of a territory."""
        return reading.volunteer_figures(self.here.views, place, self._today())

    @query
    def activity_figures(self, **selection: Any) -> Answer:
        """Figures of one kind, role or period."""
        return reading.activity_figures(self.here.views, **selection)

    def _named(self, found: Answer) -> Answer:
        named = reading.with_names(found["rows"], self.here.mandate, self.here.views, self.here.personal.open)
        return found | {"rows": named}

    def _row(self, view: str, key: str, what: str) -> Answer:
        row: Answer | None = self.here.views.get(view, key)
        if row is None:
            raise NotFoundError(f"there is no {what} {key}")
        return row

    def _own_area(self, power: str, place: str | None) -> str | None:
        """The place asked for, by default that of the caller's post, if they have the power there."""
        place = place or self.here.mandate.place
        self.here.require(power, place)
        return place or None

    def _today(self) -> str:
        return datetime.now(LOCAL).date().isoformat()
