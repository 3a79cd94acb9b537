"""Lists and figures of a service as pages: filters in words, a page of rows, and what is counted beside its definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for

from services.gateway.portal import controls, figures, forms, things
from services.gateway.portal.declared import Aggregate
from services.gateway.portal.frame import Frame
from services.gateway.portal.known import Known
from shared.domain.errors import BadInputError, LinliError
from shared.domain.fields import FieldError, Yes
from shared.domain.query import Query
from shared.domain.structures import Field
from shared.domain.words import _

#: Rows on a page of a list, and fields on the card of a row.
_PAGE, _FIELDS = 30, 8
#: Fields of lists that pages fill in themselves.
_PAGING = ("limit", "cursor")


class Lists:
    """Shows what queries answer that need not be asked about one thing."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def rows(self, of: Aggregate, query: Query) -> Any:
        """A page of a list with its filters."""
        fields = [field for field in query.fields if field.name not in _PAGING]
        typed = {field.name: self._filter(field) for field in fields}
        problem: LinliError | None = None
        rows: list[dict[str, Any]] = []
        following = None
        names = {field.name for field in query.fields}
        where: dict[str, Any] = {"limit": _PAGE} if "limit" in names else {}
        if (cursor := request.args.get("cursor")) and "cursor" in names:
            where["cursor"] = cursor
        unasked = not request.args and any(field.required and forms.blank(typed[field.name]) for field in fields)
        try:
            if not unasked:
                answer = self.frame.gateway.ask(of.service, query.name, **where, **_filters(fields, typed))
                things.know_persons(self.frame, of, answer["rows"])
                rows, following = answer["rows"], answer.get("next")
        except BadInputError as error:
            problem = error
        page = render_template(
            "portal/list.html",
            of=of,
            query=query,
            cards=[things.shown(self.frame, of, row, _FIELDS) for row in rows],
            controls=controls.shown(
                fields, typed, problem.fields if problem else {}, Known(self.frame, of), filters=True
            ),
            filtered=any(name not in ("cursor", "choose") for name in request.args),
            problem=problem,
            unasked=unasked,
            following=url_for("portal.form", service=of.service, name=query.name, **_again(), cursor=following)
            if following
            else "",
        )
        return (page, 422) if problem else page

    def figures(self, of: Aggregate, query: Query) -> Any:
        """Figures, of what is chosen; what is counted stands with them."""
        fields = [field for field in query.fields if field.name not in (*_PAGING, "after")]
        typed = {field.name: self._filter(field) for field in fields}
        problem: LinliError | None = None
        answer: dict[str, Any] | None = None
        unasked = any(field.required and forms.blank(typed[field.name]) for field in fields)
        names = {field.name for field in query.fields}
        where: dict[str, Any] = {"limit": _PAGE} if "limit" in names else {}
        if (after := request.args.get("after")) and "after" in names:
            where["after"] = after
        try:
            if not unasked:
                given = _filters(fields, typed)
                answer = given | self.frame.gateway.ask(of.service, query.name, **where, **given)
        except BadInputError as error:
            problem = error
        following = (answer or {}).get("next")
        page = render_template(
            "portal/figures.html",
            of=of,
            query=query,
            figures=figures.shown(self.frame, of, answer) if answer else None,
            about_figures=figures.about(answer, query),
            controls=controls.shown(
                fields, typed, problem.fields if problem else {}, Known(self.frame, of), filters=True
            ),
            filtered=not request.args,
            problem=problem,
            unasked=unasked,
            following=url_for("portal.form", service=of.service, name=query.name, **_again() | {"after": following})
            if following
            else "",
        )
        return (page, 422) if problem else page

    def _filter(self, field: Field) -> forms.Typed:
        if field.name in request.args:
            return forms.read(field.kind, field.name, request.args)
        return forms.begun(field)


def _filters(fields: list[Field], typed: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of a list; raises `BadInputError` that names each wrong filter."""
    where: dict[str, Any] = {}
    wrong: dict[str, Any] = {}
    for field in fields:
        given = typed[field.name]
        if isinstance(field.kind, Yes) and given == "no":
            where[field.name] = False
        elif not forms.blank(given):
            try:
                where[field.name] = forms.value(field.kind, given)
            except FieldError as error:
                wrong[field.name] = error.reason
    if wrong:
        raise BadInputError(_("the input has mistakes"), wrong)
    return where


def _again() -> dict[str, Any]:
    """The filters of this page, for the next one."""
    return {name: values for name, values in request.args.lists() if name not in ("cursor", "choose", "after")}
