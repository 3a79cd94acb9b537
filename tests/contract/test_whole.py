"""A history that has shrunk is refused: whoever followed it knows how far it reached, and what was there (R4)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import pytest

from services.console.catalogue import OWNERS
from services.console.databases import migrate
from services.console.doctor.history import histories
from shared.domain.decider import Decider
from shared.domain.errors import UnavailableError
from shared.domain.event import Event
from shared.domain.event import sealed as hidden
from shared.domain.view import View, by
from shared.following.definition import Definition
from shared.following.follow import PARKED, Follower
from shared.following.node import ServiceRuntime
from shared.following.whole import ShrunkError
from shared.log import EventLog
from shared.personal import Personal, SqliteKeys
from shared.service.call import _try_keys
from shared.service.history import History, check_history, reading
from shared.service.settings import Settings
from shared.service.storage import database_of, open_keys, open_log, open_views
from shared.views.port import Mark
from tests.contract import mongo
from tests.contract.test_following import decode, write

SEEN = View("seen", "issues", by("name"), lambda row, event, record, key: {"times": row.get("times", 0) + 1})
VIEWS = (SEEN, PARKED)


class Place:
    """The stores of a city, whose log of issues the audit service has followed to its end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings = replace(settings, owners=OWNERS)
        if settings.mongodb_uri:
            migrate(settings)
            self.database = database_of(settings, "issues")
        self.log = open_log(settings, "issues")
        self.own, self.audit = open_views(settings, "issues", VIEWS), open_views(settings, "audit", VIEWS)
        for number in range(6):
            write(self.log, "s", number, name=f"n-{number}")
        self.follower = Follower("issues", (SEEN,), self.audit, decode)

    def close(self) -> None:
        store: Any
        for store in (self.log.storage, self.own, self.audit):
            store.close()
            if self.settings.mongodb_uri:
                store._database.client.close()
        if self.settings.mongodb_uri:
            self.database.client.close()

    def follow(self) -> None:
        self.follower.apply(self.log.read(self.follower.position))

    def cut(self, position: int) -> None:
        """Put the log back to an older day, as a lost -wal file does, or another backup of one database."""
        if self.settings.mongodb_uri:
            self.database["groups"].delete_many({"_id": {"$gt": position}})
            return
        self.log.close()
        with sqlite3.connect(self.settings.data / "issues.log.sqlite") as connection:
            connection.execute("DROP TRIGGER commits_never_vanish")
            connection.execute("DELETE FROM commits WHERE position > ?", (position,))
        connection.close()

    def rewrite(self) -> None:
        """Put a log of another city in the place of this one."""
        self.cut(0)
        self.log = open_log(self.settings, "issues")
        for number in range(6):
            write(self.log, "s", number, name=f"other-{number}")

    def check(self) -> None:
        history = History(self.settings)
        try:
            with reading(self.settings, "issues") as log:
                history.check(log)
        finally:
            history.close()


@pytest.fixture(params=["sqlite", "mongodb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    settings = {"LINLI_DATA": str(tmp_path / "100% a#b?c")}  # names that an address must escape
    if request.param == "sqlite":
        place = Place(Settings.read(settings))
        yield place
        place.close()
        return
    with mongo.own() as server:
        place = Place(Settings.read(settings | {"MONGODB_URI": server.uri}))
        yield place
        place.close()


def test_a_log_that_goes_on_is_whole(place: Place) -> None:
    place.check()  # nobody knows anything yet
    place.follow()
    place.own.save({}, {"relay": (0, 6)})
    place.check()
    write(place.log, "s", 6, name="more")
    place.check()
    assert place.audit.marks()["follow:issues"] == Mark(6, 6, next(place.log.read(5)).digest)


def test_a_log_that_lost_its_end_is_refused_by_what_followers_know(place: Place) -> None:
    place.follow()
    place.cut(4)
    with pytest.raises(ShrunkError, match="issues ends at position 4, but audit knows it up to 6: 2 facts are missing"):
        place.check()
    with pytest.raises(ShrunkError, match="ends at position 4"):
        check_history(place.settings, "issues")
    assert [(one.check, one.state) for one in histories(place.settings, ["issues"])] == [("issues history", "failed")]


def test_and_by_what_the_relay_knows(place: Place) -> None:
    place.own.save({}, {"relay": (0, 6)})
    place.cut(5)
    with pytest.raises(ShrunkError, match="issues ends at position 5, but issues knows it up to 6"):
        place.check()


def test_a_log_of_the_same_length_that_says_something_else_is_refused(place: Place) -> None:
    place.follow()
    place.rewrite()
    with pytest.raises(ShrunkError, match="position 6 of the log of issues is not what audit has seen there"):
        place.check()


def test_nothing_is_written_on_a_history_that_has_shrunk_until_it_is_back(place: Place) -> None:
    """A running process learns of it: from whoever asks for facts beyond the end, and whenever it is asked whether it is ready."""
    known = {"follow:issues": Mark(6)}
    node = ServiceRuntime(Definition("issues"), place.log, place.own)
    history = History(place.settings)
    node.compare = history.check
    with patch.object(History, "marks", lambda _: {"audit": known}):
        node.require_able()
        assert node.read_log(6, 10) == []
        known["follow:issues"] = Mark(8)
        with pytest.raises(ShrunkError):
            node.read_log(8, 10)
        with pytest.raises(UnavailableError, match="nothing is written on a history that has shrunk"):
            write(place.log, "s", 6, name="lost")
        with pytest.raises(UnavailableError, match="audit knows it up to 8"):
            node.require_able()
        assert place.log.head().position == 6
        known["follow:issues"] = Mark(6)
        node.require_able()
    write(place.log, "s", 6, name="more")
    history.close()


def test_no_new_log_is_begun_in_the_place_of_one_that_is_gone(place: Place) -> None:
    place.follow()
    if place.settings.mongodb_uri:
        place.database.client.drop_database(place.database.name)
        with pytest.raises(ShrunkError, match="linli_issues holds no log, but audit knows it up to position 6"):
            migrate(place.settings)
        return
    place.log.close()
    path = place.settings.data / "issues.log.sqlite"
    path.unlink()
    for gone in (lambda: None, path.touch):  # a file that lost its -wal file may be empty
        gone()
        for begin in (open_log, check_history):
            with pytest.raises(ShrunkError, match=r"issues\.log\.sqlite is missing .* up to position 6; no new log"):
                begin(place.settings, "issues")
    assert path.stat().st_size == 0
    (place.settings.data / "issues.views.sqlite").unlink()
    with pytest.raises(ShrunkError):  # the ledger knows it too
        open_log(place.settings, "issues")
    open_log(place.settings, "funding").close()  # a service that is new is begun
    check_history(place.settings, "volunteers")


def test_a_process_never_goes_behind_what_it_has_seen() -> None:
    """MongoDB may be put back under a running service."""
    with mongo.own() as server:
        settings: Any = Settings.read({"MONGODB_URI": server.uri})
        place = Place(settings)
        place.cut(0)
        with pytest.raises(UnavailableError, match="position 6 was there and is gone"):
            place.log.head()
        with pytest.raises(UnavailableError):
            write(EventLog("issues", place.log.storage), "s", 0, name="anew")
        assert not place.database["groups"].count_documents({})
        place.close()


def test_a_folder_with_odd_characters_is_that_folder(tmp_path: Path) -> None:
    """Not the one before the question mark, past whose lock it would write."""
    odd = tmp_path / "data?x=1#%41"
    place = Place(Settings.read({"LINLI_DATA": str(odd)}))
    assert (odd / "issues.log.sqlite").exists() and [path.name for path in tmp_path.iterdir()] == [odd.name]
    assert open_log(place.settings, "issues", read_only=True).head().position == 6
    shutil.rmtree(odd)


class Seen(Event, frozen=True, kw_only=True):
    name: Annotated[str, hidden(lambda fact: "p-1")]
    note: str


def _same(state: Any, event: Seen) -> Any:
    return state


SEEING = Definition("registry", (Decider("seen", (Seen,), Seen, lambda id: None, _same, lambda state: ""),))


def test_keys_that_logs_need_are_never_begun_anew(tmp_path: Path) -> None:
    settings = Settings.read({"LINLI_DATA": str(tmp_path)})
    open_keys(settings).close()  # a new city
    log, keys = open_log(settings, "registry"), tmp_path / "keys" / "personal.sqlite"
    write(log, "s", 0, name="", note="nothing sealed")
    keys.unlink()
    store = open_keys(settings)  # nobody needs one yet
    sealed = Personal(store).seal("p-1", "林小满")
    write(log, "s", 1, name=sealed, note="")
    _try_keys(SEEING, Personal(store), log)
    store.close()
    keys.unlink()
    with pytest.raises(UnavailableError, match=r"personal\.sqlite is missing, the keys of the personal data"):
        open_keys(settings)
    other = SqliteKeys(tmp_path / "other.sqlite")  # another city's
    with pytest.raises(UnavailableError, match="none of the last 1 sealed texts of registry can be opened"):
        _try_keys(SEEING, Personal(other), log)
    Personal(other).seal("p-2", "陈")
    write(log, "s", 2, name=Personal(other).seal("p-2", "陈"), note="")
    _try_keys(SEEING, Personal(other), log)  # one of two: said in the log, and the others can be read
    write(log, "s", 3, name="", note="sealed:v1:p-1:AAAA")  # as anybody can write in a text
    assert [len(list(SEEING.sealed_in(commit))) for commit in log.read_commits()] == [0, 1, 1, 0]
    other.close()
    log.close()
