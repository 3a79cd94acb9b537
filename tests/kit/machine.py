"""One state machine for every aggregate, made of its declared commands: given in any order, by anybody, on a few things.

Whatever is decided survives storage and folds; a command given twice writes once; a refusal is one in words; rows equal states, sums
equal a recount, and what a decision relied on is guarded.
"""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from shared.domain.city_rows import REGISTRY
from shared.domain.command import Command
from shared.domain.decider import Decider
from shared.domain.errors import LinliError, to_mapping
from shared.domain.fields import ID, FieldError
from shared.domain.identity import new_id
from shared.domain.mandate import Mandate
from shared.domain.moments import before as is_before
from shared.domain.record import Record
from shared.domain.structures import load_fields
from shared.domain.view import Row, Tally, state_of
from shared.following.context import CallContext
from shared.following.definition import Definition
from shared.following.performing import perform
from shared.log import Commit, NewEvent, Receipt
from tests.kit.city import COMMUNITY, COMPOUND, ENTRIES, ORGANISATIONS, POSTS, facts
from tests.kit.desk import Desk
from tests.kit.strategies import NAMED, PERSONS, TODAY, asks, filled

#: Who commands: holders of several posts who may do everything, and now and then somebody who may not.
MIGHTY = [
    Mandate(
        actor=holder,
        role=role,
        organisation_id=organisation,
        post_id=post,
        place=ORGANISATIONS[organisation][1],
        powers=frozenset({"*"}),
    )
    for post, (organisation, role, holder, _) in POSTS.items()
]
#: Whoever may do everything in the whole city, from no post of the small one.
MAYOR = Mandate(actor="p-mayor", role="mayor", post_id="post-mayor", powers=frozenset({"*"}))
WEAK = [
    Mandate(actor="p-resident", role="resident"),
    Mandate(actor="p-grid", role="grid_worker", post_id="post-grid", place=f"{COMPOUND}.01", powers=frozenset({"*"})),
    Mandate(actor="p-other", role="resident", place=COMMUNITY, powers=frozenset({"issue.*", "wish.*", "volunteer.*"})),
]
BY = st.sampled_from([*MIGHTY * 5, *[MAYOR] * 8, *WEAK])
#: Things of an aggregate that a run begins at most; of those that it relies on two, so that much happens to each.
FEW = 4
#: What a service is commanded before a run, where hardly a run would come upon it and most commands need it: projects with a budget,
#: a team with its members.
BEFORE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "funding": [
        given
        for id in ("project-0", "project-1")
        for given in (
            (
                "propose_project",
                {
                    "project_id": id,
                    "title": "路灯",
                    "title_en": "Lamps",
                    "place": COMPOUND,
                    "budget_fen": 100_000,
                    "shares": {"government": 60_000, "residents": 40_000},
                    "criteria": [{"code": "lit", "zh": "灯亮", "en": "lamps are lit"}],
                },
            ),
            ("approve_project", {"project_id": id}),
        )
    ],
    "volunteers": [
        ("form_team", {"team_id": "team-0", "kind": "safety", "name": "平安队", "place": COMPOUND}),
        *(
            given
            for person in PERSONS
            for given in (
                ("register_volunteer", {"person_id": person, "name": person, "home": COMPOUND}),
                ("join_team", {"team_id": "team-0", "person_id": person}),
            )
        ),
    ],
}
#: How many days ago a command is said to have happened.
BACK = st.sampled_from([0] * 12 + [1, 3, 8])
#: How the next command is chosen.
WAYS = (
    ["what is offered"] * 4
    + ["going on"] * 4
    + ["beginning"] * 2
    + ["beginning its own"] * 3
    + ["a day passes", "out of turn"]
)


class World:
    """A service with the small city, opened anew for each run from what was told once."""

    def __init__(self, service: str, folder: Path) -> None:
        self.service, self.folder = service, folder
        self._numbers = itertools.count()
        (folder / "told").mkdir()
        desk = Desk(service, folder / "told")
        self._own = founding(desk) if service == REGISTRY else []
        self._found(desk)
        desk.catch_up()
        for category, source, fact in (("issue", "issues", "IssueReported"), ("project", "funding", "ProjectProposed")):
            if source in desk.definition.sources:
                desk.tell_all(
                    source,
                    [(fact, {f"{category}_id": f"{category}-{number}", "issue_ids": []}) for number in range(NAMED)],
                )
        desk.close()
        #: How often each command wrote something, over all runs.
        self.done: Counter[str] = Counter()

    def fresh(self) -> tuple[Desk, Path]:
        """The service before anything was commanded, and its folder."""
        folder = self.folder / str(next(self._numbers))
        shutil.copytree(self.folder / "told", folder)
        desk = Desk(self.service, folder, city=())
        self._found(desk)
        return desk, folder

    def _found(self, desk: Desk) -> None:
        for commit in self._own:
            desk.log.append(commit)


def founding(desk: Desk) -> list[Commit]:
    """The facts of the small city as the registry itself records them."""
    definition, commits, versions = desk.definition, [], Counter[str]()
    for type, data in facts():
        decider = next(one for one in definition.deciders if type in one.codec.events)
        cls = decider.codec.events[type]
        event = msgspec.convert({name: value for name, value in data.items() if name in cls.__struct_fields__}, cls)
        stream = decider.stream(data.get(decider.id_field) or f"{data['kind']}.{data['code']}")
        new = NewEvent(
            type=type,
            schema=event.schema,
            data=msgspec.Raw(decider.codec.encode(event)),
            id=new_id(),
            occurred=f"{TODAY}T08:00:00+08:00",
        )
        commit = Commit(
            stream=stream,
            expected_version=versions[stream],
            events=(new,),
            command="found",
            command_id=new_id(),
            actor="founder",
        )
        versions[stream] += 1
        commits.append(commit)
    return commits


def reachable(definition: Definition, decider: Decider[Any]) -> list[Decider[Any]]:
    """An aggregate, and those of its service whose things its commands hold or name."""
    found, left = [], [decider]
    while left:
        if (one := left.pop(0)) not in found:
            found.append(one)
            left += [held.decider for command in one.commands.values() for held in command.needs.holds.values()]
            named = {
                field.kind.refers.replace("_", "-") for command in one.commands.values() for field in command.asked
            }
            left += [other for other in definition.deciders if other.category in named]
    return found


class Machine(RuleBasedStateMachine):
    """Gives commands to one service and checks what must hold after each."""

    world: ClassVar[World]
    commands: ClassVar[Sequence[Command]]

    def __init__(self) -> None:
        super().__init__()
        self.desk, self._folder = self.world.fresh()
        self.definition = self.desk.definition
        self.deciders = {one.category: one for one in self.definition.deciders}
        self.commits: list[Commit] = []
        #: Each thing that there is, by category and id, with its state; the newest last.
        self.things: dict[str, dict[str, Any]] = {}
        self.day = TODAY
        self.desk.now = self.now
        #: When the last fact of each stream happened.
        self.latest: dict[str, str] = {}
        self._numbers = itertools.count()
        append = self.desk.log.append

        def noted(commit: Commit) -> Receipt:
            self.commits.append(commit)
            return append(commit)

        self.desk.log.append = noted  # type: ignore[method-assign]  # what is written is looked at on its way
        for name, sent in BEFORE.get(self.world.service, ()):
            self.give(self.definition.commands[name], sent, MAYOR)
            self.world.done[name] -= 1  # the run did not come upon it

    def teardown(self) -> None:
        try:
            self.check_sums()
        finally:
            self.desk.close()
            shutil.rmtree(self._folder)

    # what is done

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        """Give some command: mostly one that fits a thing that there is, or one for a new thing; or let a day begin."""
        way = data.draw(st.sampled_from(WAYS))
        if way == "a day passes":
            self.pass_time(data.draw(st.sampled_from([1, 2, 30]), label="days"))
            return
        by = data.draw(BY, label="by")
        if way == "what is offered" and (offers := self.offers(by)):
            id, command = offers[data.draw(st.integers(0, len(offers) - 1), label="offer")]
            sent = filled(data.draw(asks(command), label=command.name), self.known)
            sent |= same(command, self.things[command.decider.category][id])
            self.give(command, sent | {command.decider.id_field: id}, by)
            return
        going_on = {command.name: id for command in self.commands if (id := self.fitting(command))}
        beginning = [command for command in self.commands if self.begins(command)]
        if way == "going on" and going_on:
            offered = sorted(going_on)
        else:
            own = [one for one in beginning if one.decider is self.commands[0].decider and way == "beginning its own"]
            offered = [one.name for one in own or (beginning if way != "out of turn" else ()) or self.commands]
        command = self.definition.commands[data.draw(st.sampled_from(offered), label="command")]
        sent = filled(data.draw(asks(command), label=command.name), self.known)
        alike = data.draw(st.booleans(), label="as it is")
        for field in command.asked if alike else ():
            others = self.things.get(field.kind.refers, {})
            if isinstance(named := sent.get(field.name), str) and named in others:
                sent |= same(command, others[named]) | {field.name: named}
        if way != "out of turn" and (first := command.id_field) is not None:
            if command.name in going_on:
                state = self.things[command.decider.category][going_on[command.name]]
                sent |= same(command, state) if alike else {}
                sent |= {first.name: going_on[command.name]}
            elif command.new is not None and first.kind == ID:
                category = command.decider.category
                sent |= {first.name: f"{category}-{len(self.known(category))}"}
        self.give(command, sent, by, data.draw(BACK, label="days ago"))

    def offers(self, by: Mandate) -> list[tuple[str, Command]]:
        """What somebody is offered to do to the newest things, by id."""
        return [
            (id, command)
            for command in self.commands
            for id, state in list(self.things.get(command.decider.category, {}).items())[-2:]
            if command.id_field is not None and command.offered(state, by, self.desk.node.city(self.day.isoformat()))
        ]

    def pass_time(self, days: int) -> None:
        """Let a later day begin; a day that is ticked again records nothing more."""
        self.day += timedelta(days)
        self.desk.now = self.now
        if self.definition.clock:
            head = self.head
            self.desk.tick(self.day.isoformat())
            self.check_written(head)
            head = self.head
            self.desk.tick(self.day.isoformat())
            assert self.head == head, "a day that is ticked twice is recorded twice"

    def begins(self, command: Command) -> bool:
        """Whether a command makes one of a few new things, and there is what it must name."""
        if len(self.known(command.decider.category)) >= (FEW if command.decider is self.commands[0].decider else 2):
            return False
        named = [field.kind.refers.replace("_", "-") for field in command.asked if field.required]
        return command.new is not None and all(self.known(one) for one in named if one in self.deciders)

    def fitting(self, command: Command) -> str:
        """The newest thing that a command fits, "" for none."""
        things = self.things.get(command.decider.category, {}) if command.new is None else {}
        return next((id for id, state in reversed(things.items()) if command.fits(state)), "")

    def give(self, command: Command, sent: dict[str, Any], by: Mandate, back: int = 0) -> None:
        """Give a command dated so many days back, and if it wrote something, give it again with the same id and with another."""
        try:
            ask = load_fields(command.fields, sent)
        except FieldError as error:
            assert error.reason
            return
        number = next(self._numbers)
        head = self.head
        receipt = self.attempt(command, ask, by, f"command-{number}", back)
        if receipt is None or not receipt["events"]:
            assert self.head == head, "a refusal or nothing to do wrote something"
            return
        self.world.done[command.name] += 1
        window = ENTRIES["parameters"]["late_entry_days"]["value"] if command.late is None else command.late
        assert back <= window, f"{command.name} is entered {back} days late"
        self.check_guards(command, receipt["id"], ask, by)
        self.check_written(head)
        head = self.head
        again = self.attempt(command, ask, by, f"command-{number}", back)
        assert again is None or again["id"] == receipt["id"]
        assert self.head == head, "the same command id wrote something twice"
        if command.id_field is not None:
            named = ask | {command.id_field.name: receipt["id"]}
            self.attempt(command, named, by, f"again-{number}", back)
            assert self.head == head, f"{command.name} given twice writes twice: {named}"

    def attempt(self, command: Command, ask: dict[str, Any], by: Mandate, command_id: str, back: int) -> Row | None:
        """The receipt of a command that is said to have happened so many days ago, None when it is refused."""
        occurred = f"{self.day - timedelta(back)}T09:00:00+08:00"
        context = CallContext(kind="person", actor=by.actor, post=by.post_id, occurred=occurred, command_id=command_id)
        try:
            return perform(self.desk.node, command, context, by, ask)
        except LinliError as error:
            self.check_refusal(error)
            if not back:
                self.check_offered(command, ask, by, error)
            return None
        finally:
            self.desk.catch_up()

    # what must hold

    def check_refusal(self, error: LinliError) -> None:
        """A refusal says why, field by field, and travels."""
        assert error.kind != "error" and error.message.strip(), repr(error)
        assert error.said.template.strip(), f"{error.message} has no words"
        for name, reason in error.fields.items():
            assert name and (reason or error.kind == "forbidden"), f"{error.message}: {name} has no reason"
        assert to_mapping(error)["message"] == error.message

    def check_offered(self, command: Command, ask: dict[str, Any], by: Mandate, error: LinliError) -> None:
        """What a reader is offered they may do: it is refused only for what they fill in, and the refusal names that."""
        state = self.things.get(command.decider.category, {}).get(ask.get(command.decider.id_field, ""))
        city = self.desk.node.city(self.day.isoformat())
        if state is None or not command.offered(state, by, city):
            return
        belonging = {
            one.of: getattr(state, one.of, None) for one in command.needs.holds.values() if isinstance(one.of, str)
        }
        fixed = {name for name, value in belonging.items() if value and command.new is None}
        if any(ask[name] != belonging[name] for name in fixed):
            return  # nobody is asked for that: it is as the thing says
        if command.where is not None and "power" in error.fields:
            return  # it is needed at a place that is filled in
        asked = {field.name for field in command.asked} - fixed
        assert asked & set(error.fields), f"{command.name} is offered to {by.actor} as {by.role} and refused: {error}"

    def check_written(self, head: int) -> None:
        """What was written behind a position survives storage, folds to what rows show, and is in order of time."""
        codec = self.definition.codec
        for record in self.desk.log.read(head):
            event = codec.decode(record.type, record.schema, record.data)
            assert codec.encode(event) == bytes(record.data), f"{record.type} does not survive storage"
            self.check_order(record)
        for name in dict.fromkeys(record.stream for record in self.desk.log.read(head)):
            self.check_state(*self.thing(name))

    def check_order(self, record: Record) -> None:
        """Within one thing time does not run backwards, whoever writes; what only marks that a day has passed is in nobody's way."""
        latest = self.latest.get(record.stream, record.occurred)
        assert not is_before(record.occurred, latest), f"{record.type} of {record.occurred} follows one of {latest}"
        if record.type not in self.thing(record.stream)[0].marking:
            self.latest[record.stream] = record.occurred

    def check_guards(self, command: Command, id: str, ask: dict[str, Any], by: Mandate) -> None:
        """The commit holds everything that the decision was given, at the version that it has."""
        commit, decider = self.commits[-1], command.decider
        before = self.things.get(decider.category, {}).get(id, decider.initial(id))
        written = {commit.stream, *(part.stream for part in commit.also)}
        given = {field.name: ask[field.name] for field in command.asked} | {"city": self.desk.node.city()}
        for name, held in command.needs.holds.items():
            found = held.ids(before, given, by)
            for one in [found] if isinstance(found, str) else found:
                stream = held.decider.stream(one)
                if one and stream not in written:
                    assert stream in commit.held, f"{command.name} relies on {stream} ({name}) without holding it"
                    assert commit.held[stream] == self.version(stream), (
                        f"{command.name} holds another version of {stream}"
                    )
        if command.alone:
            assert commit.alone is not None, f"{command.name} is not guarded by the head that its views reflected"

    def check_state(self, decider: Decider[Any], id: str) -> None:
        """The state folds from the log alone, survives a snapshot, and is what the row shows."""
        stream, state = decider.stream(id), decider.initial(id)
        for record in self.desk.log.read_stream(stream):
            state = decider.evolve(state, decider.codec.decode(record.type, record.schema, record.data))
        self.things.setdefault(decider.category, {})[id] = state
        again = msgspec.json.decode(msgspec.json.encode(state), type=decider.state)
        assert again == state, f"{stream}: the state does not survive a snapshot"
        assert decider.exists(state), f"{stream}: a thing with facts does not exist"
        assert isinstance(decider.place(state), str)
        for view in self.definition.views:
            if view.states.startswith(f"{decider.category} "):
                row = self.desk.node.views.get(view.name, id)
                assert row is not None, f"{view.name} has no row of {id}"
                assert state_of(decider, row) == state, f"the row of {id} in {view.name} shows another state"

    def check_sums(self) -> None:
        """The sums are those of the rows that they count."""
        views = self.desk.node.views
        for view in self.definition.views:
            if not isinstance(view, Tally):
                continue
            counted: dict[str, Counter[str]] = {}
            for row in rows_of(views, view.counting):
                for key in view.at(row):
                    counted.setdefault(key, Counter()).update(flat(view.counts(row)))
            wanted = {key: +sums for key, sums in counted.items() if +sums}
            found = {row["key"]: +Counter(flat(row)) for row in rows_of(views, view.name)}
            assert {key: sums for key, sums in found.items() if sums} == wanted, (
                f"{view.name} is not the sum of its rows"
            )

    # what there is

    @property
    def now(self) -> str:
        """The present moment."""
        return f"{self.day}T09:00:00+08:00"

    @property
    def head(self) -> int:
        """The last position of the log."""
        return self.desk.log.head().position

    def version(self, stream: str) -> int:
        """How many facts a stream has."""
        return sum(1 for _ in self.desk.log.read_stream(stream))

    def thing(self, stream: str) -> tuple[Decider[Any], str]:
        """The aggregate and the id in the name of a stream."""
        fitting = [one for one in self.deciders.values() if stream.startswith(one.category + "-")]
        decider = max(fitting, key=lambda one: len(one.category))
        return decider, stream.removeprefix(decider.category + "-")

    def known(self, category: str) -> Sequence[str]:
        """The ids of a category that there are, the newest last."""
        return list(self.things.get(category, {}))


def same(command: Command, state: Any) -> dict[str, Any]:
    """What a caller sends who names a thing's fields as they are: its version, its sum, its members."""
    alike = {field.name: getattr(state, field.name, None) for field in command.asked}
    listed = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in alike.items()}
    return {name: value for name, value in listed.items() if value and isinstance(value, str | int | list)}


def rows_of(views: Any, view: str) -> Iterator[Row]:
    """All rows of a view."""
    cursor = None
    while True:
        page = views.find(view, limit=500, cursor=cursor)
        yield from page.rows
        if (cursor := page.next) is None:
            return


def flat(figures: Any) -> dict[str, int]:
    """Figures and figures by code as one mapping; labels of sums are passed over."""
    found: dict[str, int] = {}
    for name, figure in figures.items():
        if isinstance(figure, int):
            found[name] = figure
        elif not isinstance(figure, str):
            found |= {f"{name}:{code}": count for code, count in figure.items()}
    return found


def machine_for(world: World, definition: Definition, decider: Decider[Any]) -> type[Machine]:
    """The machine of an aggregate: its commands and those of the aggregates that it relies on."""
    commands = [command for one in reachable(definition, decider) for command in one.commands.values()]
    return type(f"Any_{decider.category}", (Machine,), {"world": world, "commands": commands})
