"""What all pages share: who looks, in which language, headers, and names that many pages show."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, redirect, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as AnyResponse

from services.gateway import reader
from services.gateway.current import Current
from services.gateway.portal import language
from services.gateway.session import Gateway
from services.gateway.signing import asks_again
from shared.domain.errors import (
    BadInputError,
    DomainError,
    LinliError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from shared.domain.query import LARGEST_PAGE
from shared.domain.words import Said, Term, _, said
from shared.words import LANGUAGES

#: Nothing inline, nothing from elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_STATIC = Path(__file__).parent / "static"
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\s\\]*")
#: Names kept; places and organisations do not change their names.
_KEPT = 20_000
#: Lists of the city that its profile has as rows.
_ROWS = ("levels", "roles", "checklists", "obligations")
_YEAR = 365 * 24 * 3600


class Frame:
    """The gateway as pages use it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._names: OrderedDict[tuple[str, str], Mapping[str, Any]] = OrderedDict()
        self._versions: dict[str, str] = {}

    def register(self, blueprint: Blueprint) -> None:
        """Add the headers, the words of the templates, and the change of language."""
        blueprint.record_once(self._found)
        blueprint.after_request(self.finish)
        blueprint.context_processor(self.around)
        blueprint.register_error_handler(UnauthenticatedError, self._lead_to_sign_in)
        blueprint.add_url_rule("/language/<code>", "language", self._change_language)

    def _found(self, state: BlueprintSetupState) -> None:
        app = state.app
        app.extensions["linli.portal"] = self
        for name in ("day", "time", "yuan", "percent", "count", "thousandths", "reasons", "capital", "about"):
            app.jinja_env.filters[name] = getattr(language, name)
        for name in ("code", "label", "named", "term"):
            app.jinja_env.globals[name] = getattr(language, name)
        app.jinja_env.globals["told"] = self.told
        app.jinja_env.globals["t"] = language.say
        app.jinja_env.globals["listed"] = self.words
        app.jinja_env.globals["csrf"] = self.gateway.csrf
        app.jinja_env.globals["command_id"] = self.gateway.command_id
        app.jinja_env.globals["asks_again"] = asks_again
        app.jinja_env.globals["asset"] = self.asset
        app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    def around(self) -> dict[str, Any]:
        """What every template may use."""
        return {
            "who": self.who(),
            "lang": language.language(),
            "here": self.here(),
            "today": language.today(),
            "trial": self.gateway.credentials.trial,
        }

    def who(self) -> Current:
        """Who looks at the page; nobody when that cannot be told, for then the page itself says what is wrong."""
        try:
            return self.gateway.current()
        except LinliError:
            return Current("anonymous")

    def here(self) -> str:
        """The path of this page, to come back to; after a form, of the page that had it."""
        if request.method in ("GET", "HEAD") and not self.in_part():
            return self.safe_path(request.full_path.rstrip("?"))
        came = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
        if came.netloc != request.host:
            return "/"
        return self.safe_path(came.path + (f"?{came.query}" if came.query else ""))

    def safe_path(self, path: str) -> str:
        """The path when it is one of ours, else the start page."""
        return path if _LOCAL_PATH.fullmatch(path) and not path.startswith("/api/") else "/"

    def asset(self, name: str) -> str:
        """The address of a static file, with its version so that it can be kept for ever."""
        if name not in self._versions:
            self._versions[name] = sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
        return url_for("portal.static", filename=name, v=self._versions[name])

    def finish(self, response: Response) -> Response:
        """Security and caching headers."""
        response.headers["Content-Security-Policy"] = POLICY
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        if request.endpoint == "portal.static":
            response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
        else:
            response.headers["Cache-Control"] = "no-store"
            response.vary.update(("Cookie", "Accept-Language", "HX-Request"))
            if response.mimetype == "text/html":
                response.headers["Content-Language"] = {"zh": "zh-CN", "en": "en"}[language.language()]
            if code := reader.changed():
                _speaking(response, code)
        return response

    def _change_language(self, code: str) -> AnyResponse:
        if code not in LANGUAGES:
            raise NotFoundError(_("there are no pages in the language {code}"), code=code[:20])
        return _speaking(redirect(self.safe_path(request.args.get("to", "/"))), code)

    def _lead_to_sign_in(self, error: UnauthenticatedError) -> AnyResponse:
        to = url_for("portal.sign_in", to=self.here())
        if self.in_part():
            return Response("", 204, {"HX-Redirect": to})
        return redirect(to)

    def in_part(self) -> bool:
        """Whether htmx asks for a part of a page."""
        return request.headers.get("HX-Request") == "true"

    def maybe(self, service: str, query: str, /, **arguments: Any) -> dict[str, Any] | None:
        """The answer of a query, or None while the service does not answer: the rest of the page is still of use."""
        try:
            return self.gateway.ask(service, query, **arguments)
        except UnavailableError:
            return None

    def profile(self) -> Mapping[str, Any]:
        """The city's profile, asked once a request; empty before a city has one."""
        if "profile" not in g:
            try:
                g.profile = self.gateway.ask("registry", "get_profile")
            except (NotFoundError, UnavailableError):
                g.profile = {"levels": [], "roles": [], "code_lists": {}, "parameters": {}, "city": ""}
        profile: Mapping[str, Any] = g.profile
        return profile

    def entries(self, list_name: str) -> dict[str, str]:
        """The codes of one of the city's lists with their words, in its order; none when the registry does not know it."""
        profile = self.profile()
        if list_name in _ROWS:
            return {row["code"]: language.term(row, row["code"]) for row in profile.get(list_name, ())}
        found = profile["code_lists"].get(list_name, {})
        return {code: language.term(words, code) for code, words in found.items()}

    def words(self, list_name: str, value: str, group: str = "") -> str:
        """The words of a code of one of the city's lists; when the list does not have it, those that pages have in a group, or the code."""
        return self.entries(list_name).get(value) or language.code(group or list_name, value)

    def told(self, text: str) -> str:
        """A sentence in the reader's language, with the city's own words for its codes and places."""
        if isinstance(text, Said):
            given = {name: self._in_words(name, value) for name, value in text.given.items()}
            text = said(text.template, **given)
        return language.told(text)

    def _in_words(self, name: str, value: Any) -> Any:
        try:
            if isinstance(value, Term):
                return self.entries(value.group).get(str(value), value)
            return self.place_name(value) if name == "place" and isinstance(value, str) else value
        except LinliError:  # a refusal is told in plain codes while the city's words cannot be read
            return value

    def list_of(self, codes: Iterable[str]) -> str:
        """The city's list that all of these codes are on; "" for none."""
        wanted = set(codes)
        lists = self.profile()["code_lists"]
        return next((name for name, found in lists.items() if wanted and wanted <= found.keys()), "")

    def item(self, name: str, code: str) -> str:
        """The words of a code that an entry of the city's lists itself lists (`zones` of a venue for `zone`); "" for none."""
        if "items" not in g:
            parts = (
                (part, one)
                for entries in self.profile()["code_lists"].values()
                for entry in entries.values()
                for part, listed in entry.items()
                for one in (listed if isinstance(listed, list) else ())
                if isinstance(one, Mapping) and "code" in one
            )
            g.items = {(part, str(one["code"])): language.term(one) for part, one in parts}
        found: str = g.items.get((f"{name}s", code)) or g.items.get((name, code)) or ""
        return found

    def level(self, value: str) -> str:
        """The words of a level of the city's organisations."""
        return self.words("levels", value)

    def place_name(self, place: str) -> str:
        """What a place is called, with what lies above it; its path when the registry does not know it."""
        row = self._name("place", place)
        return " · ".join(language.named(part) for part in row["path"]) if row else place

    def organisation_name(self, organisation_id: str) -> str:
        """What an organisation is called, by any of its posts."""
        return language.named(self._name("organisation", organisation_id), "organisation") or organisation_id

    def know_persons(self, ids: Iterable[str]) -> None:
        """Ask for the names of persons at once, as far as the reader may know them."""
        names: dict[str, str] = g.setdefault("person_names", {})
        unknown = sorted({id for id in ids if id and id not in names})[:LARGEST_PAGE]
        if unknown:
            try:
                found = self.gateway.ask("registry", "person_names", person_ids=unknown)["names"]
            except (DomainError, BadInputError, UnavailableError):
                found = {}
            names |= dict.fromkeys(unknown, "") | {id: name for id, name in found.items() if name}

    def person_name(self, person_id: str) -> str:
        """What a person is called; that no name is on record, for one who is not registered or was forgotten."""
        self.know_persons([person_id])
        return str(g.person_names[person_id] or language.say("person.nameless"))

    def _name(self, kind: str, id: str) -> Mapping[str, Any] | None:
        if not id or (kind, id) in self._names:
            return self._names.get((kind, id))
        try:
            if kind == "place":
                page = self.gateway.ask("registry", "get_place", place=id)
                parts = [{"name": one["name"], "name_en": one["name_en"]} for one in (*page["above"], page)]
                row: Mapping[str, Any] = {"path": parts[-2:]}
            else:
                rows = self.gateway.ask("registry", "find_posts", organisation_id=id, limit=1)["rows"]
                row = {name: rows[0][name] for name in ("organisation", "organisation_en")} if rows else {}
        except (NotFoundError, UnavailableError):
            return None
        if row:
            self._names[kind, id] = row
            if len(self._names) > _KEPT:
                self._names.popitem(last=False)
        return row


def _speaking(response: AnyResponse, code: str) -> AnyResponse:
    """Remember the language in this browser."""
    response.set_cookie(reader.COOKIE, code, max_age=_YEAR, samesite="Lax", httponly=True, secure=request.is_secure)
    return response
