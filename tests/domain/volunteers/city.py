"""The volunteers service in one process without a broker: real methods, schemas, log, views and keys."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from services.volunteers.definition import DEFINITION
from services.volunteers.service import VolunteerService
from shared.domain.errors import from_mapping
from shared.domain.view import Row
from shared.following.context import Context, Signer
from shared.following.node import Node
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.personal import Personal, SqliteKeys
from shared.service.service import Call, Here
from shared.views.sqlite import SqliteViews

STREET, HERE, THERE, BEYOND = "350104.013", "350104.013.002.007", "350104.013.002.008", "350104.014.001.001"
WORKER_POWERS = [
    *("volunteer.*", "team.form", "activity.*", "patrol.log", "wish.publish", "wish.confirm", "wish.read_wisher"),
    "wish.erase",
]
#: Post to role and place; the person who holds it is `p-<post>`. The checker only checks wishes.
POSTS = {"worker": ("worker", STREET), "director": ("worker", "350104"), "checker": ("checker", STREET)}


class City:
    """Call methods as somebody, by default as the worker of a street."""

    def __init__(self, folder: Path) -> None:
        views = SqliteViews(folder / "views.sqlite", DEFINITION.all_views)
        self.node = Node(DEFINITION, EventLog("volunteers", MemoryStorage()), views)
        self.personal = Personal(SqliteKeys(folder / "keys.sqlite"))
        self.here = Here(DEFINITION)
        self.here.node, self.here.personal, self.here.signer = self.node, self.personal, Signer(b"x" * 32)
        self.here.patience = 4.0
        self._numbers = count()
        powers = {"worker": WORKER_POWERS, "checker": ["wish.publish"]}
        rows: dict[tuple[str, str], Row | None] = {("authority_profile", "profile"): {"powers": powers, "profile": "x"}}
        for post, (role, place) in POSTS.items():
            held: Row = {"post_id": post, "person_id": f"p-{post}", "organisation_id": "community", "role": role}
            rows["authority_posts", post] = held | {"place": place, "since": "2020-01-01", "until": ""}
        views.save(rows)

    def ask(self, method: str, who: str = "worker", command_id: str = "", occurred: str = "", **arguments: Any) -> Any:
        """The answer of a method; raises the error that it answers with. `who`: a post, a person id, or empty for nobody."""
        post = who if who in POSTS else ""
        context = Context(
            kind="person" if who else "anonymous",
            actor=f"p-{who}" if post else who,
            post=post,
            command_id=command_id or f"c-{next(self._numbers)}",
            occurred=occurred,
        )
        service = VolunteerService()
        service.here = Call(self.here, self.here.signer.sign(context, f"volunteers.{method}", arguments))
        answer = getattr(service, method)(**arguments)
        while self.node.apply_own():
            pass
        if "error" in answer:
            raise from_mapping(answer["error"])
        return answer["ok"]

    @property
    def stored(self) -> str:
        """Everything the log holds, as text."""
        return "".join(bytes(record.data).decode() for record in self.node.log.read(0, limit=10_000))

    def parked(self) -> int:
        """Own facts that a view could not take."""
        return self.node.followers["volunteers"].parked
