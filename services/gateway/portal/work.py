"""What services declare, as pages: every command can be given by clicking, every list and thing that has a query can be read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace as altered
from typing import Any

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for

from services.gateway import reader
from services.gateway.contracts import DEFINITIONS
from services.gateway.portal import controls, figures, fitted, forms, things
from services.gateway.portal.beginning import belonging, judged, kept, only_one
from services.gateway.portal.declared import Aggregate, aggregate, aggregates, declared, definition
from services.gateway.portal.frame import Frame
from services.gateway.portal.known import Known
from services.gateway.portal.lists import Lists
from shared.domain.command import CHOSEN, Command
from shared.domain.errors import (
    BadInputError,
    DomainError,
    ForbiddenError,
    LinliError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from shared.domain.fields import Choice, Kind
from shared.domain.query import Query
from shared.domain.structures import Field
from shared.domain.words import _
from shared.following.tables import COMMANDS

#: Fields on the card of a thing.
_FIELDS = 8

#: Parts of a refusal that its sentence says already.
_SAID = ("power", "place")


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/work", "work", pages.work)
    blueprint.add_url_rule("/work/<service>/<name>", "form", pages.show)
    blueprint.add_url_rule("/work/<service>/<name>", "send_form", pages.send, methods=["POST"])
    blueprint.add_url_rule("/work/<service>/<category>/<id>", "thing", pages.thing)


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway
        self.lists = Lists(frame)

    def work(self) -> str:
        """By service: what the reader may begin, those where there is something first, and the lists that they may read."""
        if not self.gateway.current().signed_in:
            raise UnauthenticatedError(_("sign in first"))
        services = sorted((self._offers(name) for name in DEFINITIONS), key=lambda one: not one["begin"])
        return render_template("portal/work.html", services=services)

    def _offers(self, service: str) -> dict[str, Any]:
        offers = self.frame.maybe(service, "offers") if aggregates(service) else {"commands": [], "lists": []}
        given = [one["command"] for one in offers["commands"]] if offers else []
        begin = [one["command"] for one in offers["commands"] if one["new"]] if offers else []
        of = [one for one in aggregates(service).values() if not one.decider.commands.keys().isdisjoint(begin)]
        lists = [
            *(offers["lists"] if offers else ()),
            *(name for one in of for name in _choosable(one.decider.queries)),
        ]
        known = definition(service).queries
        return {
            "service": service,
            "away": offers is None,
            "begin": begin,
            "tables": service == "registry" and not COMMANDS.keys().isdisjoint(given),
            "lists": [(name, _own(known[name])) for name in lists],
            "figures": self._countable(service) if offers is not None else [],
        }

    def _countable(self, service: str) -> list[str]:
        """Figures that this reader may read and can ask for by choosing what they are of."""
        found = []
        for query in definition(service).queries.values():
            needed = [field for field in query.fields if field.required]
            if figures.are_figures(query) and all(field.kind.control == "code" for field in needed):
                with suppress(ForbiddenError, UnavailableError):
                    if query.power and not needed:
                        self.gateway.ask(service, query.name)
                    found.append(query.name)
        return found

    def show(self, service: str, name: str) -> Any:
        """The list of a query, or the form of a command."""
        of, one = declared(service, name)
        if isinstance(one, Query):
            if figures.are_figures(one):
                return self.lists.figures(of, one)
            if "rows" not in one.answer.get("properties", ("rows",)):
                return self._asked_for(of, one)
            return self.lists.rows(of, one)
        typed = {field.name: self._begun(field) for field in one.asked}
        id = request.args.get(of.id_field, "")
        row = self._row(of, id)
        if row is not None:
            listed = Known(self.frame, of, row)
            typed = {field.name: judged(field, listed) or kept(field, row, typed[field.name]) for field in one.asked}
            typed |= belonging(one, row)
        typed = fitted.opened(self.frame, of.service, one, typed)
        return self._form(of, one, id, typed, row=row)

    def send(self, service: str, name: str) -> Any:
        """Give a command; a refusal comes back beside its fields with everything that was typed."""
        of, one = declared(service, name)
        if isinstance(one, Query):
            raise NotFoundError(_("there is nothing at {path}"), path=request.path)
        id = request.form.get(of.id_field, "").strip()
        asked, key = fitted.shaped(one, request.form), request.form.get("command_id", "")
        typed = {field.name: forms.read(field.kind, field.name, request.form) for field in asked}
        if fitted.shown_for(one, typed) != request.form.get("shown_for", ""):
            return self._form(of, one, id, fitted.opened(self.frame, of.service, one, typed), key=key)
        add, drop = request.form.get("add", ""), request.form.get("drop", "")
        if add or drop or "choose" in request.form or reader.changed():
            typed = {field.name: forms.changed(field.kind, field.name, typed[field.name], add, drop) for field in asked}
            return self._form(of, one, id, typed, key=key)
        typed = {field.name: forms.compacted(field.kind, typed[field.name]) for field in asked}
        named: dict[str, Any] = {of.id_field: id} if id and one.id_field is not None else {}
        try:
            ask = forms.arguments(asked, typed)
            if fitted.follower(one) and request.form.get("seen") != fitted.mark(ask):
                return self._form(of, one, id, typed, key=key, ask=ask)
            receipt = self.gateway.do(service, name, **named, **ask)
        except (BadInputError, DomainError) as error:
            status = 422 if isinstance(error, BadInputError) else 403 if isinstance(error, ForbiddenError) else 409
            key = self.gateway.key_after(error)
            return self._form(of, one, id, typed, error, key=key), status
        return self._done(of, one, receipt)

    def thing(self, service: str, category: str, id: str) -> Any:
        """A thing with everything it says, what may be done with it, and who may do the rest."""
        of = aggregate(service, category)
        done = _flashed(of, id)
        try:
            row: dict[str, Any] = things.find(self.frame, of, id)
        except (NotFoundError, ForbiddenError, UnavailableError):
            if done is None:
                raise
            row = {of.id_field: id, "actions": done["actions"]}  # whoever did something need not be able to read it
        card = things.shown(self.frame, of, row)
        if self.frame.in_part():
            return render_template("portal/_thing.html", card=card, done="")
        return render_template("portal/thing.html", card=card, done=done)

    def _asked_for(self, of: Aggregate, query: Query) -> str:
        """A thing that is asked for by other fields than its id, such as an entry by its list and code."""
        given = {field.name: request.args.get(field.name, "") for field in query.fields if field.required}
        if not query.name.startswith("get_") or query is of.single or not given or not all(given.values()):
            raise NotFoundError(_("there is nothing at {path}"), path=request.path)
        try:
            row = self.gateway.ask(of.service, query.name, **given)
        except BadInputError as error:
            raise NotFoundError(_("there is nothing at {path}"), path=request.path) from error
        return render_template("portal/thing.html", card=things.shown(self.frame, of, given | row), done=None)

    def _done(self, of: Aggregate, command: Command, receipt: Mapping[str, Any]) -> Any:
        """What was done, and what can be done next: on the page that one came from, or on that of the thing."""
        id, actions = str(receipt["id"]), list(receipt.get("actions", ()))
        if self.frame.in_part():
            row = self._row(of, id) or {of.id_field: id, "actions": actions}
            return render_template(
                "portal/_thing.html", card=things.shown(self.frame, of, row, _FIELDS), done=command.name
            )
        told: Any = {
            "service": of.service,
            "command": command.name,
            "box": things.box(of, id),
            "actions": actions,
        }
        flash(told, "work")
        if back := self._back():
            return redirect(f"{back}#{things.box(of, id)}", 303)
        return redirect(url_for("portal.thing", service=of.service, category=of.category, id=id), 303)

    def _back(self) -> str:
        """The page of ours that one came from and comes back to; "" for none."""
        path = self.frame.safe_path(request.values.get("to", ""))
        return path if path != "/" else ""

    def _begun(self, field: Field) -> forms.Typed:
        """What a field holds at first: what the address says, a place that is the reader's own, or its default."""
        if any(name == field.name or name.startswith(f"{field.name}.") for name in request.args):
            return forms.read(field.kind, field.name, request.args)
        post = self.gateway.current().acting_post
        if field.kind.control == "place" and field.required and post:
            return [str(post.get("place", ""))]
        return forms.begun(field)

    def _row(self, of: Aggregate, id: str) -> dict[str, Any] | None:
        """The thing that a form is about, None when the reader cannot read it."""
        try:
            return things.find(self.frame, of, id) if id else None
        except (DomainError, UnavailableError, BadInputError):
            return None

    def _form(
        self,
        of: Aggregate,
        command: Command,
        id: str,
        typed: Mapping[str, Any],
        problem: LinliError | None = None,
        row: Mapping[str, Any] | None = None,
        key: str = "",
        ask: Mapping[str, Any] | None = None,
    ) -> str:
        """The form with what was typed; `ask` is what would be sent of it, for whoever first sees what changes."""
        row = row if row is not None else self._row(of, id)
        fields = fitted.shaped(command, typed)
        if command.id_field is not None and command.new != CHOSEN and not id:
            fields = (_named_anew(command.id_field), *fields)
            typed = {of.id_field: id} | dict(typed)
        wrong = problem.fields if problem else {}
        offered = self._offered(of, command, id) if row else {}
        known = Known(self.frame, of, row, offered)
        typed = {name: only_one(known.offered(name), one) for name, one in typed.items()}
        fixed = belonging(command, row or {})
        fields = tuple(field for field in fields if field.name not in fixed)
        refused = row is not None and command.new is None and command.name not in row.get("actions", [command.name])
        asked = {field.name for field in fields}
        page = "portal/_form.html" if self.frame.in_part() else "portal/form.html"
        return render_template(
            page,
            of=of,
            command=command,
            card=things.shown(self.frame, of, row, _FIELDS) if row else None,
            box=things.box(of, id) if id else command.name,
            id=id,
            fixed=fixed,
            whole=not self.frame.in_part(),
            key=key or None,
            to=self._back(),
            problem=problem,
            unplaced={name: reason for name, reason in wrong.items() if name not in _SAID and name not in asked},
            controls=controls.shown(fields, typed, wrong, known),
            not_now=refused and problem is None,
            preview=fitted.preview(self.frame, of.service, command, typed, ask, known),
        )

    def _offered(self, of: Aggregate, command: Command, id: str) -> dict[str, list[dict[str, Any]]]:
        """What there is to choose from for this thing and command, by kind of thing."""
        found = {}
        for field in command.asked:
            if query := command.offers.get(field.name):
                asked = {of.id_field: id, "command": command.name}
                if (answer := self.frame.maybe(of.service, query, **asked)) is not None:
                    found[field.kind.refers if field.kind.control == "pick" else field.name] = answer["rows"]
        return found


def _choosable(queries: Mapping[str, Query]) -> list[str]:
    """Lists of which one must choose first what they are of, such as which of the city's lists."""
    needed = {name: [one.kind for one in query.fields if one.required] for name, query in queries.items()}
    return [name for name, kinds in needed.items() if name.startswith("find_") and _all_choices(kinds)]


def _all_choices(kinds: list[Kind]) -> bool:
    return bool(kinds) and all(isinstance(kind, Choice) for kind in kinds)


def _own(query: Query) -> list[dict[str, str]]:
    """The filters of a list that show the reader's own things, as the rest of an address."""
    mine = next((field.kind for field in query.fields if field.name == "mine"), None)
    if isinstance(mine, Choice):
        return [{"mine": code} for code in mine.codes]
    return [{"mine": "yes"}] if mine else []


def _named_anew(field: Field) -> Field:
    """The field that names a new thing: a new place is none of those that one can choose."""
    return altered(field, kind=altered(field.kind, control="line")) if field.kind.control == "place" else field


def _flashed(of: Aggregate, id: str) -> dict[str, Any] | None:
    """What was just done to a thing, told once."""
    found: list[Any] = get_flashed_messages(category_filter=["work"])
    return next((one for one in reversed(found) if one["box"] == things.box(of, id)), None)
