"""What a city is asked before and after an upgrade: figures and lists, over HTTP, in words that both versions understand.

`python -m tests.upgrade.questions URL DATA FILE` asks a running city and keeps the answers.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

DISTRICT, STREET, COMMUNITY = "350104", "350104.013", "350104.013.002"
COMPOUND = "350104.013.002.007"
PLACES = (DISTRICT, STREET, COMMUNITY, COMPOUND, f"{COMPOUND}.01", f"{COMPOUND}.08")
PROJECT = "lb-road-wall-lamp"
#: The last day of the story, for questions that ask about a day.
DAY = "2025-12-31"
#: Figures of a place, by path.
OF_A_PLACE = (
    ("issues/issue_figures", {}),
    ("volunteers/volunteer_figures", {}),
    ("funding/funding_figures", {}),
    ("funding/disclosure_board", {"limit": 50}),
    ("registry/count_figures", {"on": DAY}),
)
#: Lists whose rows are counted, by who asks.
COUNTED = {
    "": (
        *(f"issues/{name}" for name in ("find_issues", "find_diagnoses")),
        *(f"volunteers/{name}" for name in ("find_teams", "find_activities", "find_wishes")),
        *(f"volunteers/{name}" for name in ("find_volunteers", "find_roles")),
        *(f"funding/{name}" for name in ("find_projects", "find_statements", "find_receipts", "find_payments")),
        *(f"registry/{name}" for name in ("find_places", "find_organisations", "find_posts", "find_appointments")),
    ),
    "grid-1": ("issues/find_visits",),
    "community-secretary": ("issues/inbox", "volunteers/find_report_ins"),
    "branch-secretary": ("volunteers/find_patrols",),
}
#: What is asked with more than a place.
OTHERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("volunteers/activity_figures", {}),
    ("volunteers/activity_figures", {"place": COMPOUND}),
    ("funding/trial_balance", {"project_id": PROJECT}),
    ("funding/find_statements", {"place__under": COMPOUND, "limit": 50}),
    ("funding/get_project", {"project_id": PROJECT}),
    ("registry/organisation_tree", {"place": COMPOUND, "on": DAY}),
)
#: What says when or as of what an answer holds, and not what it says.
PASSING = frozenset({"as_of", "position", "next", "actions", "others"})


class Asker:
    """Asks the gateway as the operator, or as somebody of the story."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._tokens = {"": (folder / "operator.token").read_text().strip()}
        self._accounts = json.loads((folder / "demo-accounts.json").read_text())

    def ask(self, path: str, given: dict[str, Any], who: str = "") -> Any:
        """The answer as it stands."""
        if who not in self._tokens:
            signed = self._send("sign-in", {"username": who, "password": self._accounts[who]["password"]})
            self._tokens[who] = signed["token"]
        return self._send(f"{path}?{urlencode(given)}", token=self._tokens[who])

    def _send(self, path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self._url}/api/{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from None

    def count(self, path: str, who: str) -> int:
        """How many rows a list has, page by page."""
        total, cursor = 0, ""
        while True:
            page = self.ask(path, {"limit": 200} | ({"cursor": cursor} if cursor else {}), who)
            total += len(page["rows"])
            if not (cursor := page["next"]):
                return total


def answers(asker: Asker) -> dict[str, Any]:
    """All answers, by what was asked."""
    found = {f"{path}?{urlencode(given)}": asker.ask(path, given) for path, given in _questions()}
    for who, paths in COUNTED.items():
        for path in paths:
            found[f"rows of {path} for {who or 'the operator'}"] = asker.count(path, who)
    return found


def _questions() -> Iterator[tuple[str, dict[str, Any]]]:
    for place in PLACES:
        for path, given in OF_A_PLACE:
            yield path, {"place": place} | given
    yield from OTHERS


def differences(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """Where an answer says something else than before; what it says besides is no difference."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name not in PASSING:
                yield from differences(value, after.get(name), f"{where}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{where}[{number}]")
    elif before != after and (before or after):  # 0, "", [] and what is left out say the same
        yield f"{where}: {before!r} became {after!r}"


def main() -> None:
    """Ask, and write a file."""
    url, folder, file = sys.argv[1:]
    kept = answers(Asker(url, Path(folder)))
    Path(file).write_text(json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
