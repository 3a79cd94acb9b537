"""Who may do what: posts held today, places below, powers from the profile; everything else is refused (R8)."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from shared.domain.catalogue import RESIDENT
from shared.domain.city import City, held_on
from shared.domain.errors import BadInputError, ForbiddenError, UnauthenticatedError
from shared.domain.mandate import Mandate
from shared.following.authority import mandate_of
from shared.following.context import LIFETIME, CallContext, Signer
from shared.service.settings import Settings
from tests.kit.city import COMPOUND, entry
from tests.kit.rows import city

SECRET = b"s" * 32


PLACE = "350104.013.002"


def on(day: str) -> City:
    """A city whose grid worker of community 002 follows one who left, and holds the power to triage."""
    post = {"organisation_id": "o-community", "role": "grid_worker", "place": PLACE}
    facts = [
        entry("roles", "grid_worker", level="", powers=["issue.triage", "visit.record"], intake=1),
        ("PostEstablished", {"post_id": "post-1", "title": "网格员", **post}),
        ("PostEstablished", {"post_id": "post-2", "title": "网格员", **post}),
        ("PersonAppointed", {"post_id": "post-1", "person_id": "p-old", "since": "2024-01-01", "until": ""}),
        ("AppointmentEnded", {"post_id": "post-1", "since": "2024-01-01", "until": "2025-01-01"}),
        ("PersonAppointed", {"post_id": "post-1", "person_id": "p-new", "since": "2025-01-01", "until": ""}),
        ("PersonAppointed", {"post_id": "post-2", "person_id": "p-old", "since": "2024-01-01", "until": "2025-06-01"}),
    ]
    return city(day, *facts)


def person(actor: str, post: str = "") -> CallContext:
    return CallContext(kind="person", actor=actor, post=post)


def test_a_post_gives_its_powers_at_its_place_and_below() -> None:
    """(part of C13)"""
    mandate = mandate_of(person("p-new", "post-1"), on("2025-03-01"))
    assert (mandate.role, mandate.organisation_id, mandate.post_id) == ("grid_worker", "o-community", "post-1")
    assert mandate.may("issue.triage", PLACE) and mandate.may("issue.triage", f"{PLACE}.007.b03")
    assert not mandate.may("issue.triage", "350104.013") and not mandate.may("issue.triage", "350104.013.0021")
    assert mandate.may("issue.judge", PLACE), "an office holder stays a resident"
    with pytest.raises(ForbiddenError, match=f"grid_worker has no mandate for payment.sign at {PLACE}"):
        mandate.require("payment.sign", PLACE)


def test_who_holds_posts_and_chose_none_is_told_to_choose_one_that_can() -> None:
    more = [
        (
            "PostEstablished",
            {"post_id": "post-3", "title": "出纳", "organisation_id": "o-community", "role": "r", "place": PLACE},
        ),
        ("PersonAppointed", {"post_id": "post-3", "person_id": "p-grid", "since": "2024-01-01", "until": ""}),
    ]
    mandate = mandate_of(person("p-grid"), city("2025-03-01", *more))
    assert mandate.role == RESIDENT and len(mandate.unchosen) == 2
    with pytest.raises(ForbiddenError, match="choose the post to act from: 标题 post-grid$") as refused:
        mandate.require("issue.triage", COMPOUND)
    assert set(refused.value.fields) == {"Linli-Post"}
    with pytest.raises(ForbiddenError, match=r"resident has no mandate for payment\.sign"):
        mandate.require("payment.sign", COMPOUND)
    assert mandate_of(person("p-resident"), city()).unchosen == ()


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
def test_a_post_that_is_not_held_that_day_gives_nothing(actor: str, post: str, day: str) -> None:
    with pytest.raises(ForbiddenError, match=f"the post {post} is not yours on {day}"):
        mandate_of(person(actor, post), on(day))


def test_without_a_post_there_are_only_the_powers_that_the_city_gives_to_residents_and_visitors() -> None:
    there = on("2025-03-01")
    assert mandate_of(person("p-new"), there).powers == there.powers(RESIDENT) >= {"issue.judge"}
    assert mandate_of(CallContext(kind="anonymous", actor=""), there).powers == {"issue.report"}
    less = city("2025-03-01", entry("roles", RESIDENT, level="", powers=[], intake=0))
    assert mandate_of(person("p-new"), less).powers == frozenset()
    operator = mandate_of(CallContext(kind="operator", actor="op"), there)
    assert operator.may("registry.appoint") and not operator.may("payment.sign") and not operator.may("issue.close")


def test_an_abolished_role_gives_only_a_residents_powers() -> None:
    gone = city("2025-03-04", ("EntryRetired", {"kind": "roles", "code": "grid_worker", "until": "2025-03-04"}))
    mandate = mandate_of(person("p-grid", "post-grid"), gone)
    assert mandate.powers == gone.powers(RESIDENT) and not mandate.may("issue.triage")


def test_deny_is_the_default() -> None:
    nobody = Mandate(actor="", role="")
    with pytest.raises(ForbiddenError, match="nobody has no mandate for issue.close"):
        nobody.require("issue.close")
    assert not Mandate(actor="p", role="r", powers=frozenset({"issue.close"})).may("issue")
    assert not Mandate(actor="p", role="r", powers=frozenset({"issue.close"})).may("issue.closer")


def test_terms_are_days_of_which_the_last_is_not_counted() -> None:
    post = {"person_id": "p-new", "since": "2025-01-01", "until": "2025-02-01"}
    assert [held_on(post, day) for day in ("2024-12-31", "2025-01-01", "2025-01-31", "2025-02-01")] == [
        False,
        True,
        True,
        False,
    ]
    assert held_on(post | {"until": ""}, "2099-01-01")
    assert not held_on(post | {"person_id": ""}, "2025-01-01")


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
