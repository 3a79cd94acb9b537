"""The issue ledger's entrypoints: commands return the receipt, queries read the views; nothing is decided here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.issues import domain, figures, pages
from services.issues.definition import DEFINITION
from services.issues.domain.post import lineage
from shared.domain.calendar import LOCAL
from shared.domain.city import held_on
from shared.domain.errors import ForbiddenError, NotFoundError
from shared.domain.view import Row
from shared.service.service import Followed, Here, command, query, serves
from shared.views.port import LARGEST_PAGE


@serves(DEFINITION)
class IssueService(Followed):
    """Takes issues in, sees to it that somebody answers for each, and shows what became of them."""

    name = "issues"
    here = Here(DEFINITION)

    # -- what decisions need to know of the registry --

    def _organisation(self, organisation_id: str) -> Row | None:
        return self.here.views.get("authority_organisations", organisation_id)

    def _post(self, post_id: str) -> Row | None:
        return self.here.views.get("authority_posts", post_id)

    def _city(self) -> Row:
        return self.here.views.get("city", "city") or {"levels": [], "categories": {}, "parameters": {}}

    def _known(self, place: str) -> bool:
        return self.here.views.get("places", place) is not None

    def _accountable(self, place: str) -> domain.Accountable | None:
        profile = self.here.views.get("authority_profile", "profile") or {"powers": {}}
        roles = domain.intake_roles(profile["powers"])
        posts = self.here.views.find("posts", {"place": lineage(place), "role": roles}, limit=LARGEST_PAGE).rows
        return domain.accountable_for(place, posts, self._organisation, self.here.at[:10], roles)

    # -- commands --

    @command
    def report_issue(self, place: str, contact: str, **ask: Any) -> dict[str, Any]:
        """Take an issue in and find who answers for it (X13)."""
        issue_id = self.here.new_id("issue")
        return self.here.execute(
            domain.ISSUE,
            issue_id,
            domain.report,
            place=place,
            contact=self.here.personal.seal(f"issue:{issue_id}", contact),
            accountable=self._accountable(place),
            known_place=self._known(place),
            categories=sorted(self._city()["categories"]),
            **ask,
        )

    @command
    def triage_issue(self, issue_id: str, **ask: Any) -> dict[str, Any]:
        """Judge how grave an issue is and which tier should solve it (C10, C14)."""
        return self.here.execute(domain.ISSUE, issue_id, domain.triage, organisations=self._organisation, **ask)

    @command
    def dispatch_issue(self, issue_id: str, post_id: str, **ask: Any) -> dict[str, Any]:
        """Make the holder of a post accountable, with a duty and a time limit (C12)."""
        return self.here.execute(
            domain.ISSUE,
            issue_id,
            domain.dispatch,
            post_id=post_id,
            post=self._post(post_id),
            organisations=self._organisation,
            **ask,
        )

    @command
    def accept_issue(self, issue_id: str) -> dict[str, Any]:
        """Take a dispatched issue on (C08)."""
        return self.here.execute(domain.ISSUE, issue_id, domain.accept)

    @command
    def extend_issue(self, issue_id: str, **ask: Any) -> dict[str, Any]:
        """Approve a later time limit (C12)."""
        return self.here.execute(domain.ISSUE, issue_id, domain.extend, **ask)

    @command
    def escalate_issue(self, issue_id: str, to_post: str, **ask: Any) -> dict[str, Any]:
        """Hand an issue up to a higher body (C11)."""
        return self.here.execute(
            domain.ISSUE,
            issue_id,
            domain.escalate,
            to_post=to_post,
            post=self._post(to_post),
            organisations=self._organisation,
            **ask,
        )

    @command
    def resolve_issue(self, issue_id: str, **ask: Any) -> dict[str, Any]:
        """State what was done about one issue (C28)."""
        return self.here.execute(domain.ISSUE, issue_id, domain.resolve, levels=self._city()["levels"], **ask)

    @command
    def record_follow_up(self, issue_id: str, **ask: Any) -> dict[str, Any]:
        """Record what the person concerned says; not satisfied reopens (C09)."""
        return self.here.execute(domain.ISSUE, issue_id, domain.record_follow_up, **ask)

    @command
    def close_issue(self, issue_id: str, **ask: Any) -> dict[str, Any]:
        """Make one issue final after follow-up (X08)."""
        tries = self._city()["parameters"].get("follow_up_tries", 1)
        return self.here.execute(domain.ISSUE, issue_id, domain.close, tries=tries, **ask)

    @command
    def reopen_issue(self, issue_id: str, **ask: Any) -> dict[str, Any]:
        """Open a resolved or closed issue again."""
        return self.here.execute(domain.ISSUE, issue_id, domain.reopen, **ask)

    @command
    def erase_contact(self, issue_id: str) -> dict[str, Any]:
        """Record that the contact is erased, then destroy its key; repeating it finishes what was cut short (X09)."""
        receipt = self.here.execute(domain.ISSUE, issue_id, domain.erase_contact)
        self.here.personal.erase(f"issue:{issue_id}")
        return receipt

    @command
    def record_diagnosis(self, place: str, **ask: Any) -> dict[str, Any]:
        """Record which problems a place has (A15, C03)."""
        return self.here.execute(
            domain.DIAGNOSIS,
            self.here.new_id("diagnosis"),
            domain.diagnose,
            place=place,
            known_place=self._known(place),
            categories=sorted(self._city()["categories"]),
            **ask,
        )

    # -- queries --

    @query
    def get_issue(self, issue_id: str) -> dict[str, Any]:
        """One case with its steps; the contact only for those who may read it at the place."""
        row = self.here.views.get("cases", issue_id)
        if row is None:
            raise NotFoundError(f"there is no issue {issue_id}", {"issue_id": "unknown"})
        reader = self.here.mandate
        page = pages.case_page(row, reader, self.here.views)
        if reader.may("issue.read_contact", row["place"]):
            page["contact"] = self.here.personal.open(row["contact"])
        return page

    @query
    def find_issues(
        self, limit: int, cursor: str | None, order: str, mine: bool = False, **where: Any
    ) -> dict[str, Any]:
        """Issues that fit all filters."""
        reader = self.here.mandate
        if "person_id" in where and not pages.is_staff(reader):
            raise ForbiddenError("issues are listed by accountable person for staff only", {"person_id": "staff only"})
        if mine:
            if not reader.actor:
                return {"rows": [], "next": None}
            where["reporter"] = reader.actor
        return self._listed(self.here.find("cases", where, order, limit, cursor))

    @query
    def inbox(self, limit: int, cursor: str | None) -> dict[str, Any]:
        """Open issues that the caller's posts answer for, by time limit."""
        actor = self.here.mandate.actor
        held = self.here.views.find("authority_posts", {"person_id": actor}, limit=LARGEST_PAGE).rows if actor else ()
        posts = [post["post_id"] for post in held if held_on(post, _today())]
        if not posts:
            return {"rows": [], "next": None}
        return self._listed(self.here.find("cases", {"post_id": posts, "open": 1}, "due", limit, cursor))

    def _listed(self, page: dict[str, Any]) -> dict[str, Any]:
        reader = self.here.mandate
        return page | {"rows": pages.labelled([pages.masked(row, reader) for row in page["rows"]], self.here.views)}

    @query
    def issue_figures(self, place: str) -> dict[str, Any]:
        """Figures of the issues at a place and below (C14-C17)."""
        return figures.issue_figures(self.here.views, place)

    @query
    def find_diagnoses(self, limit: int, cursor: str | None, order: str, **where: Any) -> dict[str, Any]:
        """Diagnoses of places with their problems (A15, C03)."""
        page = self.here.find("diagnoses", where, order, limit, cursor)
        return page | {"rows": pages.labelled(page["rows"], self.here.views)}


def _today() -> str:
    return datetime.now(LOCAL).date().isoformat()
