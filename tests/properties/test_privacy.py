"""One rule for every door: what a reader may not see of a fact, they see in no view, no ledger entry, no proof and no export."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Annotated, Any
from zlib import crc32

import msgspec
import pytest

from services.audit import disclosure
from services.audit.ledger import LEDGER_VIEWS, Ledger, LedgerFollower
from services.audit.proofs import find_entries, prove_event
from services.console import privacy
from services.console.audit import _exported
from services.console.catalogue import OWNERS, definition
from services.gateway.portal import proof
from shared.domain.decider import Decider
from shared.domain.errors import LinliError
from shared.domain.event import Event, seals_of
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC, READ_WITHHELD, WITHHELD, classes_of, is_staff, told
from shared.domain.reader import STAFF
from shared.domain.record import Record
from shared.following import cloudevents
from shared.following.follow import PARKED
from shared.ledger import merkle
from shared.log import Commit, EventLog, NewEvent
from shared.log.memory import MemoryStorage
from shared.views.sqlite import SqliteViews
from tests.domain.history.record import example, stored
from tests.kit.city import COMPOUND, OTHER_COMPOUND, STREET, entry, facts, post
from tests.kit.desk import Desk
from tests.kit.rows import record_of
from tests.kit.spec import AT

ANONYMOUS = Mandate(actor="", role="anonymous", powers=frozenset({"issue.report"}))
RESIDENT = Mandate(actor="p-resident", role="resident", powers=frozenset({"issue.report", "wish.claim"}))
CLERK = Mandate(actor="p-clerk", role="clerk", organisation_id="o", post_id="post-clerk", place=COMPOUND)
AUDITOR = msgspec.structs.replace(CLERK, powers=frozenset({READ_WITHHELD}))


def with_power(power: str, place: str = STREET) -> Mandate:
    return msgspec.structs.replace(CLERK, powers=frozenset({power}), place=place)


def test_a_field_without_a_class_is_withheld_unless_it_cannot_hold_a_person() -> None:
    class Fact(Event, frozen=True, kw_only=True):
        issue_id: str
        person_id: str
        note: str
        count: int
        amounts: dict[str, int]
        words: dict[str, str]
        text: Annotated[str, told("issue.read_confidential")]

    kinds = classes_of(Fact)
    assert [kinds[name] for name in ("issue_id", "count", "amounts")] == [PUBLIC] * 3
    assert [kinds[name] for name in ("person_id", "note", "words")] == [WITHHELD] * 3
    assert kinds["text"] == told("issue.read_confidential")


def test_the_page_and_the_ledgers_table_say_what_the_facts_say() -> None:
    """Write them again with `python -m services.console.privacy` when a fact has changed."""
    assert privacy.PAGE.read_text(encoding="utf-8") == privacy.page()
    assert privacy.TABLE.read_bytes() == privacy.written()


def test_a_fact_that_the_ledger_does_not_know_is_for_auditors() -> None:
    assert disclosure.class_of("issues", "SomethingNew", "words") == WITHHELD


def test_ids_of_persons_are_for_staff_unless_they_hold_a_public_office() -> None:
    public = {
        (event.__name__, name)
        for service in OWNERS
        for event in definition(service).codec.events.values()
        for name, one in classes_of(event).items()
        if name in ("person_id", "reporter", "wisher_id", "members", "applicant", "cashier", "accountant", "signer")
        and one.kind not in ("staff", "sealed")
    }
    assert {fact for fact, _ in public} == {
        *("PersonAppointed", "AppointmentEnded", "ItemJudged", "LinkProposed", "LinkConfirmed", "CandidateSeated"),
        *("ProgrammeReported", "UnitAccepted", "CostShared"),
    }


# A fact of each kind, with a mark in every field that is not public.
_DAYS = frozenset({"since", "until"})


def marked(event: type[Event], id_field: str = "", id: str = "") -> tuple[Event, dict[str, str]]:
    """A fact whose fields that are not public hold texts that are found again, by field."""
    plain = msgspec.to_builtins(example(event))
    marks: dict[str, str] = {}
    for name, one in classes_of(event).items():
        if name == id_field:
            plain[name] = id
        elif name == "place":
            plain[name] = COMPOUND
        elif name in _DAYS:
            plain[name] = "2025-01-01"
        elif name == "confidential":
            plain[name] = False
        elif one.kind != "public":
            mark = f"mark-{event.__name__}-{name}".lower()
            if _numbers(plain[name]):
                mark = str(7_000_000_000 + crc32(mark.encode()))
            plain[name] = _filled(plain[name], mark)
            marks[name] = mark
    return msgspec.convert(plain, event), marks


def _numbers(value: Any) -> bool:
    """Whether a value is a number, or numbers by name."""
    return (type(value) is int) or (isinstance(value, dict) and all(type(part) is int for part in value.values()))


def _filled(value: Any, mark: str) -> Any:
    """A value of the same shape with the mark in every text, and in every number where it is one."""
    if isinstance(value, str):
        return mark
    if type(value) is int and mark.isdecimal():
        return int(mark)
    if isinstance(value, list | tuple):
        return [_filled(part, mark) for part in value]
    if isinstance(value, dict):
        return {name: _filled(part, mark) for name, part in value.items()}
    return value


FACTS = [
    pytest.param(service, event, id=f"{service}.{name}")
    for service in OWNERS
    for name, event in definition(service).codec.events.items()
]


def entry_of(service: str, event: Event, stream: str = "thing-1") -> tuple[dict[str, Any], Record]:
    data = definition(service).codec.encode(event)
    record = record_of(type(event).__name__, data, 1, stream, place=COMPOUND, schema=event.schema, actor="mark-actor")
    line, apart = disclosure.entered(service, record)
    row = {"key": "0", "event_id": record.id, "stream": f"{service}/{stream}", "source": service, "position": 1}
    return row | {"line": line, "apart": apart}, record


def old(row: Mapping[str, Any], service: str, record: Record) -> dict[str, Any]:
    """The entry as the ledger wrote it before lines had digests."""
    kept = {name: value for name, value in row.items() if name != "apart"}
    return kept | {"line": cloudevents.line(service, record).decode()}


@pytest.mark.parametrize(("service", "event"), FACTS)
@pytest.mark.parametrize("form", ["today", "before"])
def test_of_an_entry_each_reader_sees_their_fields_and_the_proof_holds(
    service: str, event: type[Event], form: str
) -> None:
    fact, marks = marked(event)
    row, record = entry_of(service, fact)
    if form == "before":
        row = old(row, service, record)
    leaf = merkle.leaf_hash(row["line"].encode()).hex()
    classes = classes_of(event)
    for by in (ANONYMOUS, RESIDENT, CLERK, AUDITOR, *(with_power(one.power) for one in classes.values() if one.power)):
        shown = disclosure.shown(row, by)
        said = json.dumps(shown)
        for name, mark in marks.items():
            one = classes[name]
            seen = mark in said
            if one.kind == "text":
                assert seen
            elif one.kind == "staff":
                may = by.may(one.power, COMPOUND) if one.power else bool(by.post_id)
                assert seen is may, (name, by)
        assert ("mark-actor" in said) is bool(by.post_id)
        assert shown["leaf"] == leaf
        if shown["hashed"]:
            assert merkle.leaf_hash(shown["line"].encode()).hex() == leaf
            digests = json.loads(shown["line"]).get("digests", {})
            for name, kept in shown["disclosed"].items():
                salted = json.dumps([kept[0], name, kept[1]], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
                assert digests[name] == sha256(salted.encode()).hexdigest()
            assert proof.fitting(shown["line"], shown["disclosed"]).keys() == shown["disclosed"].keys()
        else:
            assert json.loads(shown["line"])["withheld"] == shown["gaps"] != []
    assert disclosure.whole_line(row) == cloudevents.line(service, record)


def test_a_power_elsewhere_shows_nothing() -> None:
    fact, marks = marked(definition("volunteers").codec.events["AttendanceRecorded"])
    row, _ = entry_of("volunteers", fact)
    said = json.dumps(disclosure.shown(row, with_power("activity.record", OTHER_COMPOUND)))
    assert marks["person_id"] not in said


def test_a_stream_that_is_named_after_a_withheld_person_is_withheld_too() -> None:
    surveyed = definition("volunteers").codec.events["MemberSurveyed"]
    fact, _ = marked(surveyed, "report_id", "member-p-secret")
    row, _ = entry_of("volunteers", fact, stream="report-in-member-p-secret")
    for by, seen in ((ANONYMOUS, False), (CLERK, False), (with_power("volunteer.confirm"), True)):
        assert ("p-secret" in json.dumps(disclosure.shown(row, by))) is seen


@pytest.mark.parametrize("fact", ["PersonClassified", "GradeMeasured", "NoticeAnswered"])
def test_an_id_that_is_made_of_a_person_is_withheld_as_theirs_is(fact: str) -> None:
    """Whoever knows the person could make the id again, and would learn that there is such a thing of them."""
    event = definition("registry").codec.events[fact]
    decider = next(one for one in definition("registry").deciders if event in one.codec.events.values())
    classes = classes_of(event)
    assert decider.hidden and classes[decider.id_field] == classes["person_id"]


def test_what_stands_beside_a_line_cannot_be_exchanged() -> None:
    fact, _ = marked(definition("issues").codec.events["IssueReported"])
    row, _ = entry_of("issues", fact)
    row["apart"]["data.reporter"][1] = "p-somebody-else"
    with pytest.raises(LinliError, match=r"data\.reporter does not fit"):
        disclosure.whole_line(row)
    del row["apart"]["data.reporter"]
    with pytest.raises(LinliError, match="not what its digests name"):
        disclosure.whole_line(row)
    assert "data.reporter" not in proof.fitting(row["line"], {"data.reporter": ["00", "p-somebody-else"]})


def test_salts_differ_so_that_equal_values_do_not_show() -> None:
    fact, _ = marked(definition("issues").codec.events["IssueReported"])
    one, two = (json.loads(entry_of("issues", fact)[0]["line"])["digests"] for _ in range(2))
    assert one.keys() == two.keys() and not set(one.values()) & set(two.values())


# The doors of the ledger, with a real one.
@pytest.fixture
def ledger(tmp_path: Any) -> Iterator[Ledger]:
    from tests.audit.ledgers import KEY

    log = EventLog("issues", MemoryStorage())
    codec = definition("issues").codec
    stream = "issue-i-1"
    facts = [
        marked(codec.events["IssueReported"], "issue_id", "i-1")[0],
        marked(codec.events["IssueResolved"], "issue_id", "i-1")[0],
    ]
    told_ = codec.events["TextWithheld"](issue_id="i-1", withheld="description", why="names a neighbour")
    for number, fact in enumerate([*facts, told_]):
        new = NewEvent(
            type=type(fact).__name__,
            schema=fact.schema,
            data=msgspec.Raw(codec.encode(fact)),
            id=f"e-{number}",
            occurred=AT,
        )
        log.append(
            Commit(
                stream=stream,
                expected_version=number,
                events=(new,),
                command="c",
                command_id=f"c-{number}",
                actor="mark-actor",
                place=COMPOUND,
            )
        )
    views = SqliteViews(tmp_path / "audit.sqlite", (*LEDGER_VIEWS, PARKED))
    entering = LedgerFollower("issues", LEDGER_VIEWS, views, lambda record: None)
    entering.apply(list(log.read(0)))
    yield Ledger(views, "test.example/city-ledger", KEY)
    views.close()


def test_a_text_that_was_withheld_is_out_of_sight_and_that_it_was_is_proved(ledger: Ledger) -> None:
    text = "mark-issuereported-description"
    for by, seen in (
        (ANONYMOUS, False),
        (RESIDENT, False),
        (CLERK, False),
        (with_power("issue.read_confidential"), True),
    ):
        listed = json.dumps(find_entries(ledger, by, stream="issues/issue-i-1"))
        proved = json.dumps(prove_event(ledger, by, event_id="e-0"))
        assert ((text in listed), (text in proved)) == (seen, seen)
        assert "mark-issueresolved-outcome" in listed, "other texts stay"
        assert "names a neighbour" in listed
    exported = b"".join(_exported(ledger, row, False)[0] for row in ledger.entries()).decode()
    beside = json.dumps([_exported(ledger, row, False)[2] for row in ledger.entries()])
    assert text not in exported + beside and "mark-issueresolved-outcome" in beside
    assert "mark-issuereported-reporter" not in exported + beside and "mark-actor" not in exported + beside
    full = json.dumps([_exported(ledger, row, True)[2] for row in ledger.entries()])
    assert text in full and "mark-issuereported-reporter" in full


#: What happens in a case, in this order; some facts say that it is confidential, some cannot.
_CASE = ("IssueReported", "IssueDispatched", "IssueAccepted", "IssueOverdue", "IssueResolved", "ContactErased")


@pytest.fixture
def confidential(tmp_path: Any) -> Iterator[Ledger]:
    """A ledger of one confidential case and one that is none, fact by fact in turn."""
    log, codec = EventLog("issues", MemoryStorage()), definition("issues").codec
    for number, name in enumerate(_CASE):
        for id, is_one in (("i-secret", True), ("i-open", False)):
            fact, _ = marked(codec.events[name], "issue_id", id)
            given = {"confidential": is_one} if hasattr(fact, "confidential") else {}
            plain = {
                field: f"plain-{field}" for field in ("category", "organisation_id", "post_id") if hasattr(fact, field)
            }
            data = msgspec.Raw(codec.encode(msgspec.structs.replace(fact, **given, **plain)))
            new = NewEvent(type=name, schema=fact.schema, data=data, id=f"{id}-{number}", occurred=AT)
            about = {"command": "c", "command_id": f"c-{id}-{number}", "actor": "mark-actor", "place": COMPOUND}
            about |= {"mandate": "post-plain", "on_behalf_of": "o-plain"}
            log.append(Commit(stream=f"issue-{id}", expected_version=number, events=(new,), **about))
    views = SqliteViews(tmp_path / "audit.sqlite", (*LEDGER_VIEWS, PARKED))
    entering = LedgerFollower("issues", LEDGER_VIEWS, views, lambda record: None)
    records = list(log.read(0))
    entering.apply(records[:3])  # what is known of a case is known in the next batch too
    entering.apply(records[3:])
    from tests.audit.ledgers import KEY

    yield Ledger(views, "test.example/city-ledger", KEY)
    views.close()


def test_of_a_confidential_case_the_ledger_tells_others_what_the_list_does_nothing(confidential: Ledger) -> None:
    """Neither where it is, nor about what, nor who answers for it: of none of its facts, whoever asks and whichever way."""
    telling = ("plain", COMPOUND, "mark")
    readers = (
        (ANONYMOUS, False),
        (CLERK, False),
        (with_power("issue.read_reporter"), False),
        (with_power("issue.read_confidential", OTHER_COMPOUND), False),
        (with_power("issue.read_confidential"), True),
    )
    for by, sees in readers:
        listed = find_entries(confidential, by, stream="issues/issue-i-secret")["rows"]
        assert len(listed) == len(_CASE)
        for row in listed:
            proved = prove_event(confidential, by, event_id=row["event_id"])
            said = json.dumps([row, proved])
            told = [word for word in telling if word in said]
            assert (COMPOUND in told) is sees and (sees or not told), (row["event_id"], by)
            assert merkle.leaf_hash(proved["line"].encode()).hex() == proved["leaf"] and proved["hashed"]
        others = json.dumps(find_entries(confidential, by, stream="issues/issue-i-open"))
        assert COMPOUND in others and "plain-category" in others and "post-plain" in others
    exported = b"".join(
        _exported(confidential, row, False)[0] for row in confidential.entries(0) if "secret" in row["stream"]
    )
    assert not any(word.encode() in exported for word in telling)


def test_a_confidential_case_is_put_together_and_entered_again_as_it_was(confidential: Ledger) -> None:
    for row in confidential.entries():
        event = json.loads(disclosure.whole_line(row))
        assert event["place"] == COMPOUND and event["mandate"] == "post-plain"
        hides = "place" in disclosure.salts_of(row)
        assert hides is ("i-secret" in row["stream"])


def test_other_systems_are_told_of_a_confidential_case_that_it_is_one(confidential: Ledger) -> None:
    from services.audit.publishing import Entry, message_of

    for number, row in enumerate(confidential.entries(), 1):
        message = message_of(Entry(number, row))
        hidden = "i-secret" in row["stream"]
        assert message.routing_key.endswith(COMPOUND) is not hidden
        assert (b"plain" in message.body) is not hidden and b"mark-" not in message.body


def test_a_proof_checks_for_everybody(ledger: Ledger) -> None:
    from shared.ledger.checkpoint import public_pem

    for by in (ANONYMOUS, AUDITOR):
        found = prove_event(ledger, by, event_id="e-0")
        checked = proof.check(
            found["line"],
            found["index"],
            found["size"],
            found["proof"],
            found["checkpoint"],
            public_pem(ledger.key).decode(),
        )
        assert checked.proved


# The doors of each service: its queries.
def _tell(desk: Desk, decider: Decider[Any]) -> dict[str, tuple[str, str]]:
    """Write every fact of an aggregate into one stream, marked; mark to the power that reads it."""
    id = "member-mark-person" if decider.category == "report-in" else "mark-1"
    powers: dict[str, tuple[str, str]] = {}
    version = 0
    for name, event in decider.codec.events.items():
        if name.endswith("Carried") or name.startswith("Parked"):
            continue
        fact, marks = marked(event, decider.id_field, id)
        seals = seals_of(event)
        for field, mark in marks.items():
            one = classes_of(event)[field]
            if field in seals:
                fact = msgspec.structs.replace(fact, **{field: desk.personal.seal(f"s-{mark}", mark + "-clear")})
                powers[mark + "-clear"] = ("sealed", one.power)
            elif one.kind == "staff":
                powers[mark] = ("staff", one.power)
        new = NewEvent(
            type=name,
            schema=event.schema,
            data=msgspec.Raw(decider.codec.encode(fact)),
            id=f"{id}-{decider.category}-{name}",
            occurred=AT,
        )
        desk.log.append(
            Commit(
                stream=decider.stream(id),
                expected_version=version,
                events=(new,),
                command="c",
                command_id=f"{decider.category}-{name}",
                actor="mark-actor",
                place=COMPOUND,
            )
        )
        version += 1
    return powers


@pytest.mark.parametrize("service", [name for name in OWNERS if name != "audit"])
def test_no_query_shows_to_anybody_what_only_staff_may_see(service: str, tmp_path: Any) -> None:
    desk = Desk(service, tmp_path)
    marks: dict[str, tuple[str, str]] = {"mark-actor": ("staff", "")}
    ids: dict[str, str] = {}
    for decider in desk.definition.deciders:
        marks |= _tell(desk, decider)
        ids[decider.id_field] = "member-mark-person" if decider.category == "report-in" else "mark-1"
    while desk.node.apply_own():
        pass
    answered = 0
    for query in desk.definition.queries.values():
        if query in desk.definition.by_hand:
            continue
        ask = {field.name: ids[field.name] for field in query.fields if field.required and field.name in ids}
        for by in ("", "p-other"):
            try:
                said = json.dumps(desk.ask(query.name, by, **ask), ensure_ascii=False)
            except LinliError as error:
                said = str(error) + json.dumps(error.fields, ensure_ascii=False, default=str)
            else:
                answered += 1
            assert [mark for mark in marks if mark in said] == [], f"{query.name} by {by or 'nobody'}"
    assert answered > 3
    if service == "issues":
        told_ = json.dumps(desk.ask("get_issue", "post-grid", issue_id="mark-1"))
        assert "mark-issuereported-reporter" in told_, "staff with the power see it at the same door"
    desk.close()


def test_every_shape_ever_stored_can_be_entered_into_the_ledger() -> None:
    for service in OWNERS:
        for number, line in enumerate(stored(service)):
            record = record_of(line["type"], line["data"].encode(), number + 1, "thing-1", schema=line["schema"])
            text, apart = disclosure.entered(service, record)
            assert disclosure.whole_line({"line": text, "apart": apart}) == cloudevents.line(service, record)


# Field × role × territory, at the doors of each service.
ELSEWHERE = "350104.014"


def readers(powers: set[str]) -> tuple[list[tuple[str, dict[str, Any]]], dict[str, Mandate]]:
    """Facts of posts for each power here and elsewhere, and of one without any; their mandates by post."""
    told_, mandates = list(facts()), {}
    told_.append(
        ("PlaceRegistered", {"place": ELSEWHERE, "kind": "street", "name": "别", "name_en": "", "parent": "350104"})
    )
    every = [("plain", STREET, [])] + [("everything-there", ELSEWHERE, sorted(powers))]
    every += [(f"only-{number}", STREET, [power]) for number, power in enumerate(sorted(powers))]
    every += [(f"but-{number}", STREET, sorted(powers - {power})) for number, power in enumerate(sorted(powers))]
    for name, place, given in every:
        told_.append(entry("roles", name, powers=given))
        told_ += post(f"post-{name}", "o-street", name, f"p-{name}", place=place)
        mandates[f"post-{name}"] = Mandate(
            actor=f"p-{name}", role=name, post_id=f"post-{name}", place=place, powers=frozenset(given)
        )
    return told_, mandates


def _found(desk: Desk, told_: list[tuple[str, dict[str, Any]]]) -> None:
    """Write the facts of a city into the registry's own log."""
    versions: dict[str, int] = {}
    for type, data in told_:
        decider = next(one for one in desk.definition.deciders if type in one.codec.events)
        id = f"{data['kind']}.{data['code']}" if type == "EntryAdopted" else str(data[decider.id_field])
        stream = decider.stream(id)
        new = NewEvent(
            type=type,
            schema=1,
            data=msgspec.Raw(msgspec.json.encode(data)),
            id=f"{stream}-{len(versions)}-{type}",
            occurred=AT,
        )
        version = versions.get(stream, 0)
        desk.log.append(
            Commit(
                stream=stream,
                expected_version=version,
                events=(new,),
                command="c",
                command_id=f"{stream}-{version}",
                actor="operator:x",
                place=str(data.get("place", "")),
            )
        )
        versions[stream] = version + 1
    desk.catch_up()


@pytest.mark.parametrize("service", [name for name in OWNERS if name != "audit"])
def test_a_field_is_read_by_those_of_its_class_at_its_place_and_by_nobody_else(service: str, tmp_path: Any) -> None:
    """For every query and field: no post without the power, or of another street, ever reads it."""
    found = definition(service)
    powers = {one.power for event in found.codec.events.values() for one in classes_of(event).values()} - {""}
    asked = {one for query in found.queries.values() for one in query.power.split(" or ")} - {"", STAFF}
    told_, mandates = readers(powers | asked)
    desk = Desk(service, tmp_path, None if service == "registry" else told_)
    if service == "registry":
        _found(desk, told_)
    marks: dict[str, tuple[str, str]] = {"mark-actor": ("staff", "")}
    ids: dict[str, str] = {}
    for decider in found.deciders:
        marks |= _tell(desk, decider)
        ids[decider.id_field] = "member-mark-person" if decider.category == "report-in" else "mark-1"
    while desk.node.apply_own():
        pass
    seen: set[str] = set()
    for query in found.queries.values():
        ask = {field.name: ids[field.name] for field in query.fields if field.required and field.name in ids}
        for reader, mandate in mandates.items():
            given = ask | ({"place__under": COMPOUND} if any(f.name == "place__under" for f in query.fields) else {})
            try:
                said = json.dumps(desk.ask(query.name, reader, **given), ensure_ascii=False)
            except LinliError as error:
                said = str(error) + json.dumps(error.fields, ensure_ascii=False, default=str)
            for mark, (kind, power) in marks.items():
                may = mandate.may(power, COMPOUND) if power else is_staff(mandate, COMPOUND)
                if mark in said and kind == "staff":
                    assert may, f"{query.name} shows {mark} to {reader}"
                    seen.add(mark)
                if mark in said and kind == "sealed":
                    assert mandate.place != ELSEWHERE, f"{query.name} opens {mark} to {reader}"
                    assert reader != "post-plain", f"{query.name} opens {mark} to {reader}"
                    seen.add(mark)
    assert seen or service == "registry", "those who may read, do read; who is erased is read by nobody"
    desk.close()
