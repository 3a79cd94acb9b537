"""The private link of who reported an issue: they act without an account, as long as the city says; the secret is nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.following.context import CallContext
from tests.kit.city import COMPOUND, entry
from tests.kit.desk import Desk
from tests.kit.spec import AT

SECRET = "0f" * 24
PROOF, OTHER = sha256(SECRET.encode()).hexdigest(), sha256(b"other").hexdigest()
SAID = {"place": COMPOUND, "category": "facility.road", "description": "坑"}


class _Linked(Desk):
    """A desk that is also asked by who shows a private link, `by="link:<proof>"`, and by nobody else in particular."""

    def context(self, by: str = "", at: str = "", command_id: str = "", imported: str = "") -> CallContext:
        if not by.startswith("link:"):
            return super().context(by, at, command_id, imported)
        told: dict[str, Any] = {"occurred": at or AT, "at_once": not at, "command_id": command_id}
        return CallContext(kind="anonymous", actor="", link=by.removeprefix("link:"), **told)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[_Linked]:
    desk = _Linked("issues", tmp_path)
    desk.tell_all("registry", [entry("parameters", "link_days", value=3660)])  # what is asked is asked today
    yield desk
    desk.close()


def resolved(desk: Desk, **more: Any) -> str:
    """An issue that was reported with a link and resolved."""
    id: str = desk.ask("report_issue", f"link:{PROOF}", **SAID | more)["id"]
    desk.ask("triage_issue", "post-grid", issue_id=id, severity="small", reason="x")
    desk.ask("dispatch_issue", "post-grid", issue_id=id, post_id="post-grid", duty="补", due="2030-01-01")
    desk.ask("resolve_issue", "post-grid", issue_id=id, outcome="补好了")
    return id


def actions(desk: Desk, id: str, proof: str = PROOF) -> list[str]:
    found: list[str] = desk.ask("get_issue", f"link:{proof}", issue_id=id)["actions"]
    return found


def test_who_shows_the_link_answers_asks_again_and_withdraws_and_nobody_else_does(desk: _Linked) -> None:
    id = resolved(desk)
    assert actions(desk, id) == ["record_follow_up", "reopen_issue"]
    assert actions(desk, id, OTHER) == [] == desk.ask("get_issue", issue_id=id)["actions"]
    rows = desk.ask("answers_for_issue", f"link:{PROOF}", issue_id=id)["rows"]
    assert [row["result"] for row in rows] == ["satisfied", "not_satisfied"], "who answers was reached"
    for nobody in (f"link:{OTHER}", ""):
        for command, ask in (("record_follow_up", {"result": "satisfied"}), ("reopen_issue", {"reason": "x"})):
            with pytest.raises(ForbiddenError):
                desk.ask(command, nobody, issue_id=id, **ask)
    with pytest.raises(IllegalStateError, match="not reached"):
        desk.ask("record_follow_up", f"link:{PROOF}", issue_id=id, result="unreachable", note="x")
    desk.ask("record_follow_up", f"link:{PROOF}", issue_id=id, result="not_satisfied", note="还是坑")
    assert actions(desk, id) == ["withdraw_issue"]
    with pytest.raises(ForbiddenError, match="only who reported"):
        desk.ask("withdraw_issue", "p-resident", issue_id=id, reason="x")
    desk.ask("withdraw_issue", f"link:{PROOF}", issue_id=id, reason="自己补了")
    assert (desk.ask("get_issue", issue_id=id)["status"], actions(desk, id)) == ("withdrawn", [])


def test_a_link_is_good_for_its_own_issue_only(desk: _Linked) -> None:
    resolved(desk)
    ask = SAID | {"description": "别的"}
    other = desk.ask("report_issue", f"link:{OTHER}", **ask)["id"]
    assert actions(desk, other) == [] and actions(desk, other, OTHER) == ["withdraw_issue"]
    assert desk.ask("private_link", f"link:{PROOF}", issue_id=other) == {"state": "wrong", "until": ""}
    unlinked = desk.ask("report_issue", **ask)["id"]
    for proof in (PROOF, "", "0"):
        assert desk.ask("private_link", f"link:{proof}", issue_id=unlinked)["state"] == "wrong"
    assert desk.ask("private_link", f"link:{PROOF}", issue_id="no-such-issue")["state"] == "wrong"


def test_it_ends_when_the_city_says(desk: _Linked) -> None:
    desk.tell_all("registry", [entry("parameters", "link_days", value=20)])
    id = resolved(desk)
    case = desk.ask("get_issue", issue_id=id)
    assert case["link_until"] == "2025-03-24", "twenty days after it was reported"
    last, after = "2025-03-24T20:00:00+08:00", "2025-03-25T09:00:00+08:00"
    found = desk.ask("private_link", f"link:{PROOF}", issue_id=id)
    assert found == {"state": "ended", "until": "2025-03-24"}, "today is long after that"
    assert actions(desk, id) == [] and "mine" not in desk.ask("get_issue", f"link:{PROOF}", issue_id=id)
    for command, ask in (("record_follow_up", {"result": "satisfied"}), ("reopen_issue", {"reason": "x"})):
        with pytest.raises(ForbiddenError, match="this private link ended on 2025-03-24"):
            desk.ask(command, f"link:{PROOF}", at=after, issue_id=id, **ask)
    assert desk.ask("record_follow_up", f"link:{PROOF}", at=last, issue_id=id, result="satisfied")["events"] == 1


def test_a_confidential_case_is_read_by_who_reported_it(desk: _Linked) -> None:
    desk.tell_all("registry", [entry("issue_categories", "quarrel", confidential=True)])
    desk.tell_all("registry", [entry("parameters", "link_days", value=3660)])
    id = desk.ask("report_issue", f"link:{PROOF}", **SAID | {"category": "quarrel"})["id"]
    assert desk.ask("get_issue", f"link:{PROOF}", issue_id=id)["description"] == "坑"
    for nobody in (f"link:{OTHER}", "", "p-resident"):
        with pytest.raises(NotFoundError):
            desk.ask("get_issue", nobody, issue_id=id)


def test_neither_the_secret_nor_what_it_proves_is_stored_or_shown(desk: _Linked, tmp_path: Path) -> None:
    id = resolved(desk)
    recorded = desk.node.views.get("cases", id)
    assert recorded is not None and len(recorded["link"]) == 64
    files = b"".join(file.read_bytes() for file in tmp_path.glob("*.sqlite*"))
    for told in (SECRET, PROOF):
        assert told not in desk.stored and told.encode() not in files
    answers = [desk.ask("get_issue", by, issue_id=id) for by in ("", "post-grid", f"link:{PROOF}")]
    answers += [desk.ask("find_issues", by) for by in ("", "post-grid")]
    assert recorded["link"] not in str(answers)
    assert desk.ask("private_link", f"link:{recorded['link']}", issue_id=id)["state"] == "wrong", (
        "a digest opens nothing"
    )


def test_who_may_erase_the_contact_that_they_gave(desk: _Linked) -> None:
    desk.tell_all("registry", [entry("parameters", "link_days", value=3660)])
    id = desk.ask("report_issue", f"link:{PROOF}", **SAID, contact="13800000000")["id"]
    assert actions(desk, id) == ["withdraw_issue", "erase_contact"]
    desk.ask("erase_contact", f"link:{PROOF}", issue_id=id)
    assert actions(desk, id) == ["withdraw_issue"]


def test_the_link_of_a_case_that_was_held_is_that_of_the_case_when_it_is_released(desk: _Linked) -> None:
    desk.tell_all("registry", [entry("parameters", "anonymous_a_day", value=0)])
    id = desk.ask("report_issue", f"link:{PROOF}", **SAID)["id"]
    shown = [desk.ask("get_issue", f"link:{proof}", issue_id=id) for proof in (PROOF, OTHER)]
    assert [(one["status"], one["description"]) for one in shown] == [("held", "坑"), ("held", "")]
    assert PROOF not in desk.stored and "link" not in shown[0]
    desk.ask("release_issue", "post-grid", issue_id=id)
    for proof, state in ((PROOF, "holds"), (OTHER, "wrong")):
        assert desk.ask("private_link", f"link:{proof}", issue_id=id)["state"] == state
    assert actions(desk, id) == ["withdraw_issue"] and actions(desk, id, OTHER) == []
