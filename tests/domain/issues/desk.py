"""The issue service without a broker: its real log, views, schemas and entrypoints, and a registry whose facts it follows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from services.issues.definition import DEFINITION
from services.issues.service import IssueService
from shared.domain.errors import from_mapping
from shared.domain.identity import new_id
from shared.following.context import Context, Signer
from shared.following.node import Node
from shared.log import Commit, EventLog, NewEvent
from shared.log.memory import MemoryStorage
from shared.personal import Personal, SqliteKeys
from shared.service.service import Here
from shared.views.sqlite import SqliteViews
from tests.domain.issues.city import COMMUNITY, COMPOUND, ORGANISATIONS, POSTS, STREET

POWERS = [power for power in DEFINITION.powers if power != "issue.judge"]


class Desk:
    """Calls commands and queries as a post holder, a resident or nobody; facts of other services are told to it."""

    def __init__(self, folder: Path) -> None:
        self.log = EventLog("issues", MemoryStorage())
        self.node = Node(DEFINITION, self.log, SqliteViews(folder / "views.sqlite", DEFINITION.all_views))
        self.here = Here(DEFINITION)
        self.here.node, self.here.signer, self.here.patience = self.node, Signer(b"x" * 32), 4.0
        self.here.personal = self.personal = Personal(SqliteKeys(folder / "keys.sqlite"))
        self.others = {source: EventLog(source, MemoryStorage()) for source in DEFINITION.sources}
        self._found_city()

    def _found_city(self) -> None:
        roles = sorted({post["role"] for post in POSTS.values()})
        self.tell(
            "registry",
            "ProfileAdopted",
            profile_id="city",
            levels=[{"code": code, "zh": code, "en": code} for code in ("street", "community", "compound")],
            powers=dict.fromkeys(roles, POWERS),
            code_lists={"issue_categories": {"facility.streetlight": {}, "facility.road": {}, "order.litter": {}}},
            parameters={"follow_up_tries": 2},
        )
        for place, name in ((STREET, "三叉街"), (COMMUNITY, "某社区"), (COMPOUND, "联邦新城")):
            self.tell("registry", "PlaceRegistered", place=place, kind="", name=name, name_en=name, parent="")
        for row in ORGANISATIONS.values():
            self.tell("registry", "OrganisationEstablished", name_en=f"{row['name']} (en)", since="2025-01-01", **row)
        for row in POSTS.values():
            titled = {name: row[name] for name in ("post_id", "organisation_id", "role", "place")}
            self.tell("registry", "PostEstablished", title=f"标题 {row['post_id']}", title_en=row["post_id"], **titled)
            self.tell("registry", "PersonAppointed", **row)

    def tell(self, source: str, type: str, /, *, told_by: tuple[str, str, str] = ("", "", ""), **data: Any) -> None:
        """A fact of another service arrives; `told_by` is the person, post and organisation in its record."""
        log = self.others[source]
        event = NewEvent(
            type=type,
            schema=1,
            data=msgspec.Raw(msgspec.json.encode(data)),
            id=new_id(),
            occurred="2025-03-04T09:00:00+08:00",
        )
        log.append(
            Commit(
                stream=f"{type}-{new_id()}",
                expected_version=0,
                events=(event,),
                command="told",
                command_id=new_id(),
                actor=told_by[0],
                on_behalf_of=told_by[2],
                mandate=told_by[1],
            )
        )
        after = self.node.followers[source].position
        self.node.apply(source, 0, log.read(after), lambda source, after, limit: [])
        self.catch_up()

    def catch_up(self) -> None:
        """Apply our own facts to the views."""
        while self.node.apply_own():
            pass

    def ask(
        self, method: str, by: str = "", at: str = "2025-03-04T09:00:00+08:00", command_id: str = "", **ask: Any
    ) -> Any:
        """Call an entrypoint as the holder of a post, as a resident (`p-…`), or as nobody; raises the error it answers."""
        if by.startswith("post-"):
            context = Context(kind="person", actor=POSTS[by]["person_id"], post=by, occurred=at, command_id=command_id)
        else:
            context = Context(kind="person" if by else "anonymous", actor=by, occurred=at, command_id=command_id)
        signed = self.here.signer.sign(context, f"issues.{method}", ask)
        service = IssueService()
        service.here = self.here.get_dependency(SimpleNamespace(data={"linli": signed}))
        answer = getattr(service, method)(**ask)
        self.catch_up()
        if "error" in answer:
            raise from_mapping(answer["error"])
        return answer["ok"]

    @property
    def parked(self) -> int:
        """How many foreign facts could not be applied."""
        return sum(follower.parked for follower in self.node.followers.values())
