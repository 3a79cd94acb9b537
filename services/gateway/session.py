"""Who asks, from which post, and the two ways on: `ask` a query, `do` a command. Used by the API and by pages."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from flask import g, request, session

from services.gateway import headers
from services.gateway.credentials import TOKEN, Credentials, Identity, account_words
from services.gateway.current import RESIDENT, UNFINISHED, Caller, Current, UnfinishedError, nobody, require_own
from services.gateway.devices import Devices
from services.gateway.requests import FORMS
from services.gateway.sign_ins import browser_of
from services.gateway.trail import Trail
from shared.domain.errors import (
    BadInputError,
    ForbiddenError,
    LinliError,
    TimedOutError,
    UnauthenticatedError,
    UnavailableError,
)
from shared.domain.identity import derived_id, new_id
from shared.domain.words import _, said, term
from shared.following.context import CallContext

#: Seconds for which a session asks services to reflect what it wrote; views lag by milliseconds.
REMEMBERED = 300
#: Seconds after which a browser that asks for nothing is signed out, and between two notes that it asked.
IDLE, NOTED = 3600, 60
#: Persons whose last known posts are kept for when the registry does not answer.
KNOWN_PERSONS = 10_000


#: The command after which nobody signs in as that person any more.
ERASES_PERSON = ("registry", "erase_person")


class Gateway:
    """What a page may use. Everything works within a Flask request.

    - `current()`: who asks: `.kind`, `.person_id`, `.username`, `.posts`, `.post`, `.acting_post`, `.signed_in`.
    - `ask(service, query, **arguments)`: the answer of a query; arguments that are None are left out.
    - `do(service, command, **arguments)`: the receipt `{"id", "service", "position", "version", "events"}` of a
      command. The form carries two hidden fields: `command_id` (from `command_id()`; sending the form twice then does
      it once) and `csrf_token` (from `csrf()`; checked before the page's code runs, for every POST without a bearer
      token).
    - `sign_in(username, password)`, `sign_out()`, `change_password(old, new)`, `act_from(post_id)` ("": a resident).
    - The session remembers the positions that its commands wrote, and `ask` waits for them: people read what they
      wrote.

    All raise the errors of `shared.domain.errors`; a page that meets `UnauthenticatedError` leads to the sign-in page.
    """

    def __init__(self, caller: Caller, credentials: Credentials, trail: Trail) -> None:
        self.caller = caller
        self.credentials = credentials
        self.trail = trail
        #: Called before each command; raises what keeps it from being given (`Operators.before`, `Signing.before`).
        self.before: list[Callable[[Current, str, str, Mapping[str, Any]], None]] = []
        self.leaving = False  # the process is about to end
        self.devices = Devices(credentials.keys("device"))
        credentials.device = self.devices.knows
        self._heads: dict[str, int] = {}  # of each service's log, as far as known here
        self._known_posts: OrderedDict[str, tuple[Mapping[str, Any], ...]] = OrderedDict()

    def current(self) -> Current:
        """Who asks, found once a request. Raises `UnauthenticatedError`, or `ForbiddenError` for a post of others."""
        if "current" not in g:
            g.current = self._find_current()
        current: Current = g.current
        if current.needs and request.endpoint not in UNFINISHED:
            raise UnfinishedError(current.needs[0])
        return current

    def ask(self, service: str, query: str, /, **arguments: Any) -> dict[str, Any]:
        """The answer of a query."""
        given = {name: value for name, value in arguments.items() if value is not None}
        after = self._after()
        remembered = self._remembered()
        try:
            answer = self.caller.call(service, query, self._context(_later(after, remembered)), given)
        except TimedOutError:
            if not remembered:
                raise
            session.pop("positions", None)  # an older answer is better than none when a follower stands still
            answer = self.caller.call(service, query, self._context(after), given)
        self._note_contacts(service, answer)
        return answer

    def do(self, service: str, command: str, /, _timeout: float | None = None, **arguments: Any) -> dict[str, Any]:
        """The receipt of a command; the same idempotency key gives the same receipt."""
        try:
            return self._do(service, command, _timeout, arguments)
        except ForbiddenError:  # a form shows the refusal itself
            self.note_refusal("access_refused")
            raise

    def _do(self, service: str, command: str, timeout: float | None, arguments: dict[str, Any]) -> dict[str, Any]:
        for check in self.before:
            check(self.current(), service, command, arguments)
        key = headers.idempotency_key() or new_id()
        g.commands = g.get("commands", 0) + 1
        if g.commands > 1:  # a form that does several things does each of them once
            key = derived_id(key, str(g.commands))
        context = self._context(_later(self._after(), self._remembered()), key, headers.occurred(), self._importer())
        receipt = self.caller.call(service, command, context, arguments, timeout=timeout)
        if (service, command) == ERASES_PERSON:  # a repeated command comes here again if this was interrupted
            # neither name nor address: they would be sealed with a key of who was forgotten
            told = {"by": self.current().actor, "person_id": arguments["person_id"], "detail": "erased"}
            self.credentials.accounts.forget(arguments["person_id"], self.trail.prepared("account_removed", **told))
        self._remember(receipt)
        return receipt

    def command_id(self) -> str:
        """A fresh id for the hidden field `command_id` of a form."""
        return new_id()

    def key_after(self, error: LinliError) -> str:
        """The `command_id` of a form that is shown again after a refusal: the same, unless other content was recorded under it."""
        if isinstance(error, BadInputError) and "command_id" not in error.fields:
            return request.form.get("command_id", "") or new_id()
        return new_id()

    def csrf(self) -> str:
        """The token for the hidden field `csrf_token` of a form, or the header `X-CSRF-Token`."""
        if "csrf" not in session:
            session["csrf"] = secrets.token_urlsafe(16)
        token: str = session["csrf"]
        return token

    def sign_in(self, username: str, password: str, code: str = "") -> tuple[str, Identity]:
        """Sign in and bind this browser's session to it; returns the bearer token too. A wrong password or number raises."""
        token, identity = self.credentials.sign_in(
            username, password, request.remote_addr or "", code, browser_of(request.headers.get("User-Agent", ""))
        )
        self.devices.remember(username)
        session.clear()
        session["token"] = token
        self.csrf()
        g.pop("current", None)
        return token, identity

    def sign_out(self) -> None:
        """End the sign-in for good: the token is refused from now on, wherever it was copied to."""
        token = headers.bearer() or session.get("token", "")
        if token:
            try:
                who = self.credentials.open(token)
            except UnauthenticatedError:
                who = Identity("anonymous")
            by = {"by": who.actor, "address": request.remote_addr or ""} if who.actor else {}
            self.credentials.revoke(token)
            if by:
                self.trail.count("signed_out", **by)
        session.clear()
        g.signed_out = True
        g.pop("current", None)

    def sign_ins(self) -> list[dict[str, Any]]:
        """Where who asks is signed in."""
        self._with_account()
        return self.credentials.sign_ins(headers.bearer() or session["token"])

    def end_sign_in(self, sign_in_id: str) -> None:
        """End a sign-in of who asks, wherever it is; raises `NotFoundError` for one of somebody else."""
        current = self._with_account()
        self.credentials.end_sign_in(headers.bearer() or session["token"], sign_in_id)
        self.trail.count("signed_out", by=current.actor, address=request.remote_addr or "")

    def change_password(self, old: str, new: str) -> None:
        """Change the password of who asks; all their sign-ins end. Raises `UnauthenticatedError` for a wrong one."""
        current = self._with_account()
        row = self.credentials.check(current.username, old, request.remote_addr or "")
        accounts = self.credentials.accounts
        hashed = accounts.hashed(new, current.username, row["person_id"], old=row, field="new")
        told = {"by": current.actor, "address": request.remote_addr or ""}
        noted = self.trail.prepared("password_changed", **told, **account_words(row))
        accounts.change_password(current.username, "", hashed=hashed, beside=noted)
        self.trail.flush()
        session.clear()
        g.pop("current", None)

    def begin_factor(self, password: str) -> tuple[str, str]:
        """Begin a second factor of who asks: its secret as text and as an address."""
        current = self._with_account()
        return self.credentials.begin_factor(current.username, password, request.remote_addr or "")

    def confirm_factor(self, code: str) -> None:
        """The second factor that was begun is needed from now on; all sign-ins of who asks end."""
        current = self._with_account()
        address = request.remote_addr or ""
        row = self.credentials.accounts.known(current.username)
        noted = self.trail.prepared("second_factor_set", by=current.actor, address=address, **account_words(row))
        self.credentials.confirm_factor(current.username, code, address, noted)
        self.trail.flush()
        session.clear()
        g.pop("current", None)

    def _with_account(self) -> Current:
        current = self.current()
        if not current.signed_in:
            raise UnauthenticatedError(_("sign in first"))
        if current.actor == TOKEN:
            raise ForbiddenError(_("the operator's token has no password; make an operator account"))
        return current

    def by_cookie(self) -> bool:
        """Whether the session cookie, not a bearer token, says who asks."""
        return not headers.bearer() and "token" in session

    def act_from(self, post_id: str) -> None:
        """Act from a post in this session, or as a resident. Raises `ForbiddenError` for a post of somebody else."""
        chosen = post_id or RESIDENT
        current = self.current()
        if chosen != RESIDENT:
            require_own(current.posts, chosen)
        session["post"] = chosen
        g.pop("current", None)

    def check_csrf(self) -> None:
        """Raise `ForbiddenError` for a change that another site may have made this browser ask for."""
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise ForbiddenError(
                _("another site asked for this change"), {"Sec-Fetch-Site": said(_("must be same-origin"))}
            )
        expected = session.get("csrf", "")
        given = request.headers.get("X-CSRF-Token", "")
        if not given and request.mimetype in FORMS:
            given = request.form.get("csrf_token", "")
        if not expected or not secrets.compare_digest(given.encode(), expected.encode()):
            raise ForbiddenError(
                _("the form has no valid token; open the page again and send it once more"),
                {"csrf_token": said(_("send the token of this session as X-CSRF-Token or form field csrf_token"))},
            )

    def _find_current(self) -> Current:
        token = headers.bearer()
        if token:
            identity = self.credentials.open(token)
        elif kept := session.get("token"):
            try:
                self._check_idle(kept)
                identity = self.credentials.open(kept)
            except UnauthenticatedError:
                session.clear()
                if request.method not in ("GET", "HEAD", "OPTIONS"):
                    raise  # nobody should act as nobody without noticing
                identity = Identity("anonymous")
        else:
            identity = Identity("anonymous")
        wanted = headers.post()
        if identity.kind != "person":
            if wanted not in ("", RESIDENT):
                raise ForbiddenError(
                    _("only a person can act from a post"), {"Linli-Post": said(_("only for persons"))}
                )
            if identity.actor == TOKEN:
                self.trail.count("token_used", by=TOKEN, address=request.remote_addr or "")
            return Current(identity.kind, identity.actor, identity.username, needs=identity.needs)
        posts = self._posts(identity.actor, required=wanted not in ("", RESIDENT))
        chosen = wanted
        if not chosen and not token:
            chosen = session.get("post", "")
            if chosen != RESIDENT and all(post["post_id"] != chosen for post in posts):
                chosen = ""  # no longer held
        if not chosen and len(posts) == 1:
            chosen = posts[0]["post_id"]
        if chosen == RESIDENT:
            chosen = ""
        if chosen:
            require_own(posts, chosen)
        return Current("person", identity.actor, identity.username, posts, chosen, identity.needs)

    def _check_idle(self, token: str) -> None:
        """End the sign-in of a browser that has asked for nothing for long; raises `UnauthenticatedError`."""
        now = int(time.time())
        seen = session.get("seen", now)
        if now - seen > IDLE:
            self.credentials.revoke(token)
            raise UnauthenticatedError(_("you were signed out because nothing was done for long; sign in again"))
        if "seen" not in session or now - seen > NOTED:
            session["seen"] = now

    def _posts(self, person_id: str, required: bool) -> tuple[Mapping[str, Any], ...]:
        """The posts held now; the last known ones while the registry is away, for every service checks them again."""
        context = CallContext(
            kind="person",
            actor=person_id,
            correlation_id=g.correlation_id,
            after=_later(self._after(), self._remembered()),
        )
        try:
            answer = self.caller.call("registry", "posts_of_person", context, {"person_id": person_id})
        except UnavailableError:
            known = self._known_posts.get(person_id, ())
            if required and not known:
                raise
            return known
        posts = tuple(answer["posts"])
        self._known_posts[person_id] = posts
        self._known_posts.move_to_end(person_id)
        if len(self._known_posts) > KNOWN_PERSONS:
            self._known_posts.popitem(last=False)
        return posts

    def _after(self) -> dict[str, int]:
        """The positions that the answer must reflect; refuses those that do not exist yet, which nobody could wait for."""
        if "after" not in g:
            g.after = headers.after()
            for source, position in g.after.items():
                if position > self._heads.get(source, 0) and position > (head := self._head(source)):
                    raise BadInputError(
                        _("{service} has no position {position} yet"),
                        {"Linli-After": said(_("the last one is {head}"), head=head)},
                        service=term("service", source),
                        position=position,
                    )
        after: dict[str, int] = g.after
        return after

    def _head(self, source: str) -> int:
        context = CallContext(kind="service", actor="gateway", correlation_id=g.correlation_id)
        self._heads[source] = int(self.caller.call(source, "status", context, {})["head"])
        return self._heads[source]

    def note_refusal(self, act: str) -> None:
        """Note once a request who was refused what: a route, never the text of what was asked for."""
        if g.get("refusal_noted"):
            return
        g.refusal_noted = True
        route = request.url_rule.rule if request.url_rule else "unknown"
        by = g.current.actor if "current" in g else ""
        with suppress(UnavailableError):  # the refusal is answered, whatever can be written
            self.trail.count(act, by=by, address=request.remote_addr or "", detail=f"{request.method} {route}")

    def _note_contacts(self, service: str, answer: Mapping[str, Any]) -> None:
        """Note who read how to reach somebody: whoever reads a contact that is not their own."""
        for row in (answer, *(answer.get("rows") or ())):
            if isinstance(row, Mapping) and row.get("contact"):
                current = self.current()
                if current.actor in (row.get("wisher_id"), row.get("reporter")):
                    continue
                about = row.get("issue_id") or row.get("wish_id") or row.get("key", "")
                told = {"by": current.actor, "address": request.remote_addr or ""}
                self.trail.count("contact_read", **told, detail=f"{service} {about}")

    def _importer(self) -> str:
        """The operator who brings a command in from another register, "" for none; raises `ForbiddenError` for anybody else."""
        if not (token := headers.importing()):
            return ""
        identity = self.credentials.open(token)
        if identity.actor == TOKEN:
            self.trail.count("token_used", by=TOKEN, address=request.remote_addr or "")
        if identity.kind != "operator" or identity.needs:
            raise ForbiddenError(
                _("only an operator brings in what another register holds"),
                {"Linli-Import": said(_("only for operators"))},
            )
        return identity.actor

    def _context(self, after: dict[str, int], key: str = "", occurred: str = "", imported: str = "") -> CallContext:
        current = self.current()
        return CallContext(
            kind=current.kind,  # type: ignore[arg-type]  # checked when the identity was made
            actor=current.actor,
            post=current.post,
            # a key is the caller's own: nobody can use up or read back the keys of others
            command_id=f"{current.actor or nobody()}:{key}" if key else "",
            correlation_id=g.correlation_id,
            occurred=occurred,
            link=g.get("private_link", ""),
            imported=imported,
            after=after,
        )

    def _remembered(self) -> dict[str, int]:
        if headers.bearer():
            return {}
        now = int(time.time())
        kept: dict[str, list[int]] = session.get("positions", {})
        return {source: position for source, (position, at) in kept.items() if now - at < REMEMBERED}

    def _remember(self, receipt: Mapping[str, Any]) -> None:
        if "service" not in receipt:  # what was done is no fact
            return
        position = receipt.get("position", 0)
        self._heads[receipt["service"]] = max(position, self._heads.get(receipt["service"], 0))
        if position and not headers.bearer():
            session["positions"] = session.get("positions", {}) | {receipt["service"]: [position, int(time.time())]}


def _later(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {source: max(first.get(source, 0), second.get(source, 0)) for source in {**first, **second}}
