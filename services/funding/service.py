"""The funding service: nothing is decided here. Amounts are fen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from services.funding import domain
from services.funding.definition import DEFINITION
from services.funding.domain.books import ACCOUNTS
from services.funding.views import CITY
from services.funding.views.amounts import board, money_of, share
from shared.domain.calendar import LOCAL
from shared.domain.errors import NotFoundError
from shared.domain.view import Row
from shared.service.service import Followed, Here, command, query

_PERSONS = ("applicant", "signer", "cashier", "accountant", "person_id")


class FundingService(Followed):
    """Commands return the receipt; queries read the views. Numbers are public, names of persons need `money.read`."""

    name = "funding"
    here = Here(DEFINITION)

    # projects

    @command
    def propose_project(self, project_id: str, **ask: Any) -> Row:
        """Propose a project."""
        return self.here.execute(domain.PROJECT, project_id or self.here.new_id("project"), domain.propose, **ask)

    @command
    def approve_project(self, project_id: str, **ask: Any) -> Row:
        """Let a project collect and spend money."""
        return self.here.execute(domain.PROJECT, project_id, domain.approve, **ask)

    @command
    def cancel_project(self, project_id: str, **ask: Any) -> Row:
        """Give a project up."""
        return self.here.execute(domain.PROJECT, project_id, domain.cancel, **ask)

    @command
    def designate_signer(self, project_id: str, **ask: Any) -> Row:
        """Name the one person who signs."""
        return self.here.execute(domain.PROJECT, project_id, domain.designate_signer, **ask)

    @command
    def finish_works(self, project_id: str) -> Row:
        """Say that the works are finished."""
        return self.here.execute(domain.PROJECT, project_id, domain.finish_works)

    @command
    def accept_project(self, project_id: str, **ask: Any) -> Row:
        """Accept finished works."""
        return self.here.execute(domain.PROJECT, project_id, domain.accept, **ask)

    # money

    @command
    def record_receipt(self, project_id: str, payer: str, payer_kind: str, **ask: Any) -> Row:
        """Book money that came in; answers its `receipt_id`."""
        receipt_id = self.here.new_id("receipt")
        payer = self._name("money.receive", payer_kind, f"payer:{receipt_id}", payer)
        ask |= {"receipt_id": receipt_id, "payer": payer, "payer_kind": payer_kind}
        return self.here.execute(domain.PROJECT, project_id, domain.record_receipt, **ask) | {"receipt_id": receipt_id}

    @command
    def reverse_receipt(self, project_id: str, **ask: Any) -> Row:
        """Take a wrongly recorded receipt out of the books."""
        return self.here.execute(domain.PROJECT, project_id, domain.reverse_receipt, **ask)

    @command
    def erase_payer(self, project_id: str, receipt_id: str) -> Row:
        """Destroy the key to a payer's name."""
        done = self.here.execute(domain.PROJECT, project_id, domain.erase_payer, receipt_id=receipt_id)
        self.here.personal.erase(f"payer:{receipt_id}")
        return done

    @command
    def return_surplus(self, project_id: str) -> Row:
        """Return what was not spent."""
        return self.here.execute(domain.PROJECT, project_id, domain.return_surplus)

    @command
    def disclose_statement(self, project_id: str) -> Row:
        """Publish a statement; answers its `statement_id`, empty when nothing changed since today's last one."""
        statement_id = self.here.new_id("statement")
        done = self.here.execute(domain.PROJECT, project_id, domain.disclose, statement_id=statement_id)
        return done | {"statement_id": statement_id if done["events"] else ""}

    @command
    def post_statement(self, project_id: str, **ask: Any) -> Row:
        """Record where a statement was posted."""
        return self.here.execute(domain.PROJECT, project_id, domain.post_statement, **ask)

    # payments

    @command
    def request_payment(self, project_id: str, payee: str, payee_kind: str, **ask: Any) -> Row:
        """Ask that a bill be paid; answers its `payment_id`."""
        payment_id = self.here.new_id("payment")
        payee = self._name("payment.request", payee_kind, f"payee:{payment_id}", payee)
        ask |= {"payment_id": payment_id, "payee": payee, "payee_kind": payee_kind}
        return self.here.execute(domain.PROJECT, project_id, domain.request_payment, **ask) | {"payment_id": payment_id}

    @command
    def amend_payment(
        self, project_id: str, payment_id: str, payee: str | None, payee_kind: str | None, **ask: Any
    ) -> Row:
        """Change a request; who is to be paid is named together with what kind of payee that is."""
        if payee is not None:
            payee_kind = payee_kind or "organisation"
            payee = self._name("payment.amend", payee_kind, f"payee:{payment_id}", payee)
        ask |= {"payment_id": payment_id, "payee": payee, "payee_kind": payee_kind if payee is not None else None}
        return self.here.execute(domain.PROJECT, project_id, domain.amend_payment, **ask)

    @command
    def withdraw_payment(self, project_id: str, **ask: Any) -> Row:
        """Take a request back."""
        return self.here.execute(domain.PROJECT, project_id, domain.withdraw_payment, **ask)

    @command
    def review_payment(self, project_id: str, **ask: Any) -> Row:
        """Approve or reject for one of the three bodies."""
        return self.here.execute(domain.PROJECT, project_id, domain.review_payment, **ask)

    @command
    def sign_payment(self, project_id: str, **ask: Any) -> Row:
        """Sign what all three bodies approved."""
        return self.here.execute(domain.PROJECT, project_id, domain.sign_payment, **ask)

    @command
    def make_payment(self, project_id: str, payment_id: str) -> Row:
        """Pay what was signed."""
        return self.here.execute(domain.PROJECT, project_id, domain.make_payment, payment_id=payment_id)

    # queries

    @query
    def find_projects(self, limit: int, cursor: str | None, order: str, **where: Any) -> Row:
        """Projects with their money."""
        return self._page("projects", where, order, limit, cursor)

    @query
    def get_project(self, project_id: str) -> Row:
        """One project with its first 500 payments and statements, as of a position."""

        def read() -> Row:
            where = {"project_id": project_id}
            return self._public(self._row("projects", project_id)) | {
                "payments": self._page("payments", where, "requested_on", 500)["rows"],
                "statements": self._page("statements", where, "-disclosed_on", 500)["rows"],
            }

        return self._as_of(read)

    @query
    def find_receipts(self, limit: int, cursor: str | None, order: str, **where: Any) -> Row:
        """Receipts, payers masked."""
        return self._page("receipts", where, order, limit, cursor)

    @query
    def find_payments(self, limit: int, cursor: str | None, order: str, awaiting: str | None, **where: Any) -> Row:
        """Payments with the state of their review."""
        if awaiting is not None:
            where[f"needs_{awaiting}"] = 1
        return self._page("payments", where, order, limit, cursor)

    @query
    def trial_balance(self, project_id: str) -> Row:
        """Turnover and balance of each account; debit and credit sums are equal (D32)."""

        def read() -> Row:
            self._row("projects", project_id)
            turnover = (self.here.views.get("accounts", project_id) or {"accounts": {}})["accounts"]
            none = {"debit_fen": 0, "credit_fen": 0}
            rows = [
                {"account": account, "zh": zh, "en": en, **turnover.get(account, none)}
                for account, (zh, en) in ACCOUNTS.items()
            ]
            sums = {side: sum(row[side] for row in rows) for side in none}
            balances = [row | {"balance_fen": row["debit_fen"] - row["credit_fen"]} for row in rows]
            return {"project_id": project_id, "accounts": balances, **sums}

        return self._as_of(read)

    @query
    def find_statements(self, limit: int, cursor: str | None, order: str, **where: Any) -> Row:
        """Published statements."""
        return self._page("statements", where, order, limit, cursor)

    @query
    def get_statement(self, statement_id: str) -> Row:
        """One statement as it was published, and where."""
        return self._row("statements", statement_id)

    @query
    def find_overdue_disclosures(self, limit: int, cursor: str | None, day: str, every_days: int, **where: Any) -> Row:
        """Projects whose last statement is older than a number of days (D25)."""
        day = day or datetime.now(LOCAL).date().isoformat()
        last = date.fromisoformat(day).toordinal() - every_days
        oldest = date.fromordinal(max(last, 1)).isoformat()
        page = self._page("projects", where | {"disclose_from__lt": oldest}, "disclose_from", limit, cursor)
        return {"day": day, "every_days": every_days} | page

    @query
    def disclosure_board(self, place: str, limit: int, cursor: str | None) -> Row:
        """Money in by source and out by project, for a place and below, shares as fractions (C22, D37)."""

        def read() -> Row:
            totals = self._totals(place)
            page = self.here.find("projects", {"place__under": place or None}, "-spent_fen", limit, cursor)
            shown = (
                "project_id",
                "title",
                "title_en",
                "place",
                "status",
                "budget_fen",
                "received_fen",
                "spent_fen",
                "held_fen",
            )
            rows = [
                {name: row[name] for name in shown} | {"share": share(row["spent_fen"], totals["spent_fen"])}
                for row in page["rows"]
            ]
            return board(place, totals) | {"projects": rows, "next": page["next"]}

        return self._as_of(read)

    @query
    def funding_figures(self, place: str) -> Row:
        """Projects by status, money by source, receipts, payments and statements at a place and below."""

        def read() -> Row:
            totals = self._totals(place)
            where = {"place__under": place} if place else {}
            names = ("projects", "receipts", "payments", "statements", "issues_solved", "issues_unsolved")
            counts = {name: totals.get(name, 0) for name in names}
            return board(place, totals) | counts | {"by_status": self.here.views.count_by("projects", "status", where)}

        return self._as_of(read)

    # what the queries share

    def _name(self, power: str, kind: str, subject: str, name: str) -> str:
        """A name as the log may hold it: a person's is sealed, and only for a caller who may ask at all."""
        self.here.require(power, self.here.mandate.place)
        return self.here.personal.seal(subject, name) if kind == "person" else name

    def _row(self, view: str, key: str) -> Row:
        row = self.here.views.get(view, key)
        if row is None:
            raise NotFoundError(f"there is no {key} among the {view}")
        return row

    def _totals(self, place: str) -> Row:
        return self.here.views.get("totals", place or CITY) or money_of({}, None)

    def _page(self, view: str, where: Mapping[str, Any], order: str, limit: int, cursor: str | None = None) -> Row:
        page = self.here.find(view, where, order, limit, cursor)
        return page | {"rows": [self._public(row) for row in page["rows"]]}

    def _public(self, row: Row) -> Row:
        """A row without persons, unless the caller may read them; sealed names masked or, once erased, empty."""
        clear = self.here.mandate.may("money.read", row["place"])
        row = dict(row)
        for name in ("payer", "payee"):
            if row.get(f"{name}_kind") == "person":
                opened = self.here.personal.open(row[name]) or ""
                row[name] = opened if clear else self.here.personal.mask(opened)
        if not clear:
            row = {name: value for name, value in row.items() if name not in _PERSONS}
            if "reviews" in row:
                reviews = row["reviews"].items()
                row["reviews"] = {
                    body: {name: value for name, value in review.items() if name not in _PERSONS}
                    for body, review in reviews
                }
        return row

    def _as_of(self, read: Callable[[], Row]) -> Row:
        """An answer with the position it reflects; read again when facts arrive in between."""
        follower = f"follow:{self.name}"
        for _ in range(10):
            position = self.here.views.checkpoint(follower)
            answer = read()
            if self.here.views.checkpoint(follower) == position:
                break
        return answer | {"as_of": {"service": self.name, "position": position}}
