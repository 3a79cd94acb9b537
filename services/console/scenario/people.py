"""The accounts of a scenario, created once with random passwords that users can look up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.console.scenario.memory import new_password, read_json, write_json
from services.console.scenario.model import Account
from services.console.scenario.sending import Sender
from shared.domain.errors import IllegalStateError

#: File in the data folder.
FILE = "demo-accounts.json"


class People:
    """The accounts and their tokens."""

    def __init__(self, sender: Sender, operator: str, accounts: Mapping[str, Account], folder: Path) -> None:
        """`operator` is the operator's token."""
        self._sender = sender
        self._tokens = {"operator": operator, "anonymous": ""}
        self._accounts = accounts
        self.path = folder / FILE
        self._known: dict[str, Any] = {}

    def prepare(self) -> None:
        """Create missing accounts; each password is on disk before its account exists."""
        self._known = read_json(self.path)
        operator = self._tokens["operator"]
        persons = self._existing(operator)
        for account in self._accounts.values():
            if persons.get(account.username, account.person_id) != account.person_id:
                raise IllegalStateError(f"the account {account.username} belongs to another person in this city")
        missing = [account for account in self._accounts.values() if account.username not in self._known]
        for account in missing:
            self._known[account.username] = {"password": new_password(), **account.words}
        if missing:
            write_json(self.path, self._known)
        for account in self._accounts.values():
            sent = {"username": account.username, "password": self.password(account.username)}
            if account.username not in persons:
                self._sender.post("/api/accounts", sent | {"person_id": account.person_id}, operator)
            elif account in missing:
                self._sender.post("/api/accounts/reset-password", sent, operator)

    def password(self, username: str) -> str:
        """Return the password of an account."""
        password: str = self._known[username]["password"]
        return password

    def token(self, who: str) -> str:
        """Return the token of a caller; signs in at first use, in one thread only."""
        if who not in self._tokens:
            sent = {"username": who, "password": self.password(who)}
            answer = self._sender.post("/api/sign-in", sent, "")
            if answer.get("needs"):
                raise IllegalStateError(
                    f"{who} has to change the first password: stories are told to a city for trying (LINLI_TRIAL=yes)"
                )
            self._tokens[who] = answer["token"]
        return self._tokens[who]

    def listed(self) -> list[dict[str, str]]:
        """Return the accounts with their passwords, for the report."""
        return [
            {"username": account.username, "password": self.password(account.username), **account.words}
            for account in self._accounts.values()
        ]

    def _existing(self, operator: str) -> dict[str, str]:
        found: dict[str, str] = {}
        cursor = None
        while True:
            page = self._sender.get("/api/accounts", {"limit": 500, "cursor": cursor}, operator)
            found |= {row["username"]: row["person_id"] for row in page["rows"]}
            if (cursor := page["next"]) is None:
                return found
