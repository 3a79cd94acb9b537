"""Commands of named operators: signing in and out, what waits for a second person, and what was noted."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from services.console.client import SIGN_IN, Client, operator
from services.console.output import out, print_json
from shared.domain.identity import new_id
from shared.service.settings import Settings, write_private


def _folding(*columns: str) -> Table:
    """A table that cuts nothing off: names and numbers of requests are copied from it."""
    table = Table(box=None)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def sign_in(username: str, password: str, code: str, url: str | None) -> None:
    """Sign in and keep the token in the data folder, for this user of the machine only."""
    settings = Settings.read()
    client = Client(url or settings.address, ca_file=settings.ca_file)
    answer = client.post("/api/sign-in", {"username": username, "password": password, "code": code})
    settings.data.mkdir(parents=True, exist_ok=True)
    write_private(settings.data / SIGN_IN, answer["token"].encode() + b"\n")
    needs = answer["needs"]
    out.print(f"signed in as {escape(username)}" + (f"; first: {', '.join(needs)} (portal: /account)" if needs else ""))


def sign_out(url: str | None) -> None:
    """End the sign-in for good, and forget its token."""
    settings = Settings.read()
    path = settings.data / SIGN_IN
    if not path.exists():
        out.print("nobody is signed in here")
        return
    try:
        operator(settings, url).post("/api/sign-out", {})
    finally:
        path.unlink()
    out.print("signed out")


def list_requests(url: str | None, json: bool) -> None:
    """Print what waits for a second person."""
    found = operator(Settings.read(), url).get("/api/operators/requests")
    if json:
        print_json(found)
        return
    table = _folding("request", "asked by", "at", "what")
    for row in found["rows"]:
        table.add_row(*(escape(str(row[name])) for name in ("request_id", "by", "asked", "detail")))
    out.print(table if found["rows"] else "nothing waits for a second person")


def settle(act: str, request_id: str, url: str | None, json: bool) -> None:
    """Confirm or decline a request."""
    done = operator(Settings.read(), url).post(
        f"/api/operators/{act}", {"request_id": request_id}, {"Idempotency-Key": new_id()}
    )
    print_json(done) if json else out.print(f"{escape(request_id)}: {'done' if act == 'confirm' else 'declined'}")


def show_acts(act: str, since: str, limit: int, url: str | None, json: bool) -> None:
    """Print security acts, the newest first."""
    asked: dict[str, Any] = {"act": act or None, "since": since or None, "limit": limit}
    found = operator(Settings.read(), url).get("/api/audit/find_security_acts", asked)
    if json:
        print_json(found)
        return
    table = _folding("at", "act", "by", "account", "address", "times", "about")
    for row in found["rows"]:
        told = [row["at"][:16], *(str(row[name]) for name in ("act", "by", "account", "address", "count", "detail"))]
        table.add_row(*map(escape, told), style="bold red" if row["alone"] else "")
    out.print(table if found["rows"] else "nothing was noted")
