"""Who may do what: posts held today, places below, powers from the profile; everything else is refused (C13, R8)."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.errors import BadInputError, ForbiddenError, UnauthenticatedError
from shared.domain.mandate import Mandate
from shared.domain.record import Record
from shared.following.authority import ANONYMOUS, RESIDENT, authority_views, held_on, mandate_of
from shared.following.context import LIFETIME, Context, Signer
from shared.service.settings import Settings
from shared.views.sqlite import SqliteViews

SECRET = b"s" * 32


def record(type: str) -> Record:
    texts = dict.fromkeys(Record.__struct_fields__, "") | {"type": type, "data": msgspec.Raw(b"{}")}
    return Record(**texts | {"position": 1, "version": 1, "schema": 1, "commit_position": 1, "commit_size": 1})  # type: ignore[arg-type]


@pytest.fixture
def views(tmp_path: Any) -> SqliteViews:
    """A grid worker of community 002, whose predecessor left, and a profile that lets grid workers triage."""
    store = SqliteViews(tmp_path / "views.sqlite", authority_views())
    facts = [
        ("ProfileAdopted", {"profile_id": "city", "powers": {"grid_worker": ["issue.triage", "visit.record"]}}),
        ("PersonAppointed", _post("post-1", "p-old", "2024-01-01")),
        ("AppointmentEnded", {"post_id": "post-1", "person_id": "p-old", "until": "2025-01-01"}),
        ("PersonAppointed", _post("post-1", "p-new", "2025-01-01")),
        ("PersonAppointed", _post("post-2", "p-old", "2024-01-01", until="2025-06-01")),
    ]
    for type, data in facts:
        for view in store._views.values():
            for key in view.keys(data, record(type)):
                old = store.get(view.name, key) or {}
                store.save(
                    {(view.name, key): view.fold({k: v for k, v in old.items() if k != "key"}, data, record(type))}
                )
    return store


def _post(post: str, person: str, since: str, until: str = "") -> dict[str, str]:
    return {
        "post_id": post,
        "person_id": person,
        "organisation_id": "o-1",
        "role": "grid_worker",
        "place": "350104.013.002",
        "since": since,
        "until": until,
    }


def person(actor: str, post: str = "") -> Context:
    return Context(kind="person", actor=actor, post=post)


def test_a_post_gives_its_powers_at_its_place_and_below(views: SqliteViews) -> None:
    mandate = mandate_of(person("p-new", "post-1"), views, "2025-03-01")
    assert (mandate.role, mandate.organisation_id, mandate.post_id) == ("grid_worker", "o-1", "post-1")
    assert mandate.may("issue.triage", "350104.013.002") and mandate.may("issue.triage", "350104.013.002.007.b03")
    assert not mandate.may("issue.triage", "350104.013") and not mandate.may("issue.triage", "350104.013.0021")
    assert mandate.may("issue.report", "350104.013.002"), "an office holder stays a resident"
    with pytest.raises(ForbiddenError, match="grid_worker has no mandate for payment.sign at 350104.013.002"):
        mandate.require("payment.sign", "350104.013.002")


@pytest.mark.parametrize(
    ("actor", "post", "day"),
    [
        ("p-old", "post-1", "2025-03-01"),  # left
        ("p-else", "post-1", "2025-03-01"),  # never held it
        ("p-new", "post-9", "2025-03-01"),  # there is no such post
        ("p-new", "post-1", "2024-12-31"),  # not yet
        ("p-old", "post-2", "2025-06-01"),  # until is the first day after
    ],
)
def test_a_post_that_is_not_held_that_day_gives_nothing(views: SqliteViews, actor: str, post: str, day: str) -> None:
    with pytest.raises(ForbiddenError, match=f"the post {post} is not yours on {day}"):
        mandate_of(person(actor, post), views, day)


def test_without_a_post_there_are_only_a_residents_powers(views: SqliteViews) -> None:
    assert mandate_of(person("p-new"), views, "2025-03-01").powers == RESIDENT
    assert mandate_of(Context(kind="anonymous", actor=""), views, "2025-03-01").powers == ANONYMOUS
    operator = mandate_of(Context(kind="operator", actor="op"), views, "2025-03-01")
    assert operator.may("registry.appoint") and not operator.may("payment.sign") and not operator.may("issue.close")


def test_deny_is_the_default() -> None:
    nobody = Mandate(actor="", role="")
    with pytest.raises(ForbiddenError, match="nobody has no mandate for issue.close"):
        nobody.require("issue.close")
    assert not Mandate(actor="p", role="r", powers=frozenset({"issue.close"})).may("issue")
    assert not Mandate(actor="p", role="r", powers=frozenset({"issue.close"})).may("issue.closer")


def test_terms_are_days_of_which_the_last_is_not_counted() -> None:
    post = {"since": "2025-01-01", "until": "2025-02-01"}
    assert [held_on(post, day) for day in ("2024-12-31", "2025-01-01", "2025-01-31", "2025-02-01")] == [
        False,
        True,
        True,
        False,
    ]
    assert held_on(post | {"until": ""}, "2099-01-01")


def test_a_context_is_believed_only_as_it_was_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer(SECRET)
    context = person("p-1", "post-1")
    text = signer.sign(context, "issues.close_issue", {"issue_id": "7"})
    assert signer.open(text, "issues.close_issue", {"issue_id": "7"}) == context
    for method, arguments in (("issues.reopen_issue", {"issue_id": "7"}), ("issues.close_issue", {"issue_id": "8"})):
        with pytest.raises(UnauthenticatedError, match="signed for another call"):
            signer.open(text, method, arguments)
    for position in range(0, len(text), 7):
        changed = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
        with pytest.raises(UnauthenticatedError):
            signer.open(changed, "issues.close_issue", {"issue_id": "7"})
    with pytest.raises(UnauthenticatedError, match="not signed by this city"):
        Signer(b"t" * 32).open(text, "issues.close_issue", {"issue_id": "7"})
    later = time.time() + LIFETIME + 1
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(UnauthenticatedError, match="expired"):
        signer.open(text, "issues.close_issue", {"issue_id": "7"})
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Signer(b"short")


NEW = b"n" * 32


def test_while_a_secret_is_changed_both_are_believed_and_afterwards_only_the_new_one() -> None:
    asked, call = person("p-1", "post-1"), ("issues.close_issue", {"issue_id": "7"})
    steps = [(SECRET,), (SECRET, NEW), (NEW, SECRET), (NEW,)]
    for before, after in itertools.pairwise(steps):  # while processes are restarted some are a step ahead
        for mine, theirs in ((before, after), (after, before)):
            text = Signer(*mine).sign(asked, *call)
            assert Signer(*theirs).open(text, *call) == asked
            assert Signer(*mine).check(Signer(*theirs).answer({"ok": 1}, text), text)
    with pytest.raises(UnauthenticatedError, match="not signed by this city"):
        Signer(NEW).open(Signer(SECRET).sign(asked, *call), *call)


@pytest.mark.parametrize(
    "forged", [{}, {"ok": 2}, {"code": ""}, {"code": 7}, {"code": "路"}, {"more": 1}, {"ok": {1, 2}}]
)
def test_an_answer_is_believed_only_as_it_was_given(forged: dict[str, object]) -> None:
    signer = Signer(SECRET)
    text, other = (signer.sign(person("p-1"), "issues.status", {"n": number}) for number in (1, 2))
    answer = signer.answer({"ok": 1}, text)
    assert signer.check(answer, text)
    assert not signer.check(answer, other), "the answer to another call"
    assert forged == {} or not signer.check(answer | forged, text)
    assert not signer.check({"ok": 1} | forged, text)


def test_several_secrets_stand_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    settings = Settings.read({"LINLI_SECRET_FILE": str(file)})
    file.write_bytes(b"\n" + NEW + b"\r\n" + SECRET + b"\n\n")
    assert settings.secrets() == (NEW, SECRET)
    for wrong in (b"", b"\n", SECRET + b"\nshort"):
        file.write_bytes(wrong)
        with pytest.raises(BadInputError, match="at least 32 bytes in each line"):
            settings.secrets()
