"""Reads a scenario file and checks it completely before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.console.scenario.contract import check_call
from services.console.scenario.model import Account, Figure, Scenario, Step, Wait, Words, calls, pending
from services.console.scenario.names import NAME, Names
from services.console.scenario.paths import PATH
from services.console.scenario.source import Source, Where
from services.console.scenario.steps import Steps, call_of, mapping, words

_TOP = {"scenario", "title", "about", "accounts", "data", "steps", "figures"}
_FIGURE = {"title", "rows", "who", "post", "ask", "with", "path", "equals", "parts", "unit"}
_SCENARIO = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
_PERSON = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")
_ROW = re.compile(r"[A-EX][0-9]{2}")
#: Accounts that always exist.
_ALWAYS = ("operator", "anonymous")


def load(path: Path) -> Scenario:
    """Load the scenario of a file; raises `BadInputError` naming file, line and reason of each mistake."""
    source = Source(path)
    top = source.data
    if not isinstance(top, dict):
        source.mistake((), "a scenario is a mapping with scenario, title, steps and figures")
        source.check()
        raise AssertionError("unreachable")
    _known(source, top, _TOP, (), needed=("scenario", "title", "steps", "figures"))
    name = top.get("scenario")
    if not isinstance(name, str) or not _SCENARIO.fullmatch(name):
        source.mistake(("scenario",), "scenario must be a name of 2 to 40 small letters, digits and hyphens")
        name = "unnamed"
    accounts = _accounts(source, top.get("accounts", {}))
    data = mapping(source, top.get("data", {}), ("data",))
    for one in data:
        if not NAME.fullmatch(one):
            source.mistake(("data", one), f"{one!r} cannot be a name: small letters, digits and _")
    names = Names(source, data, {})
    reader = Steps(source, {*accounts, *_ALWAYS})
    reader.read(top.get("steps"), names)
    steps = tuple(sorted(reader.found, key=lambda step: step.at))
    figures = _figures(source, top.get("figures"), names, {*accounts, *_ALWAYS})
    if not source.mistakes:  # steps that use what an unreadable step saves would give follow-up errors
        _check_names(source, steps)
    for step in steps:
        for call in calls(step):
            check_call(source, step.where, call, command=not isinstance(step, Wait))
    for figure in figures:
        check_call(source, figure.where, figure.call, command=False)
    title = words(source, top.get("title"), ("title",))
    about = words(source, top.get("about", {"zh": "", "en": ""}), ("about",))
    source.check()
    sent = [name, [repr(step) for step in steps]]
    return Scenario(
        name=name,
        title=title,
        about=about,
        accounts=accounts,
        chapters=tuple(reader.chapters),
        steps=steps,
        figures=figures,
        digest=sha256(json.dumps(sent).encode()).hexdigest(),
    )


def _known(
    source: Source, value: dict[str, Any], known: Collection[str], where: Where, needed: tuple[str, ...] = ()
) -> None:
    for name in value:
        if name not in known:
            source.mistake((*where, name), f"{name} is unknown here; possible are {', '.join(sorted(known))}")
    for name in needed:
        if name not in value:
            source.mistake(where, f"{name} is missing")


def _accounts(source: Source, value: Any) -> dict[str, Account]:
    found: dict[str, Account] = {}
    persons: set[str] = set()
    for username, entry in mapping(source, value, ("accounts",)).items():
        where = ("accounts", username)
        if not _USERNAME.fullmatch(username) or username in _ALWAYS:
            source.mistake(where, f"{username!r} cannot be a name to sign in with")
        entry = mapping(source, entry, where)
        _known(source, entry, {"person", "zh", "en"}, where, needed=("person", "zh", "en"))
        person = entry.get("person")
        if not isinstance(person, str) or not _PERSON.fullmatch(person):
            source.mistake((*where, "person"), "person must be an id of small letters, digits and hyphens")
        elif person in persons:
            source.mistake((*where, "person"), f"{person} has an account already; one person, one account")
        persons.add(str(person))
        shown: Words = {tongue: str(entry.get(tongue, "")) for tongue in ("zh", "en")}
        found[username] = Account(username, str(person), shown)
    return found


def _figures(source: Source, value: Any, names: Names, who: Collection[str]) -> tuple[Figure, ...]:
    if not isinstance(value, list) or not value:
        source.mistake(("figures",), "figures must be a list of what the events must give at the end")
        return ()
    found = []
    for number, entry in enumerate(value):
        where = ("figures", number)
        entry = mapping(source, entry, where)
        _known(source, entry, _FIGURE, where, needed=("title", "ask", "path", "equals"))
        rows, parts = entry.get("rows", []), entry.get("parts", [])
        if not isinstance(rows, list) or not all(isinstance(row, str) and _ROW.fullmatch(row) for row in rows):
            source.mistake((*where, "rows"), "rows must be a list of rows of the catalogue, like [C15, C16]")
            rows = []
        if not isinstance(parts, list):
            source.mistake((*where, "parts"), "parts must be a list of paths")
            parts = []
        for one in (entry.get("path"), *parts):
            if not isinstance(one, str) or not PATH.fullmatch(one):
                source.mistake(where, f"{one!r} is not a path into the answer, like by_level.street")
        call = call_of(source, {"do": entry.get("ask"), **entry}, where, names, who, "ask")
        if call is not None:
            if next(pending([call.arguments, call.who]), None):
                source.mistake(where, "a figure is asked with what the file says, not with what steps save")
            found.append(
                Figure(
                    title=words(source, entry.get("title"), (*where, "title")),
                    rows=tuple(rows),
                    where=where,
                    call=call,
                    path=str(entry.get("path")),
                    equals=names.filled(entry.get("equals"), (*where, "equals")),
                    parts=tuple(map(str, parts)),
                    unit=str(entry.get("unit", "")),
                )
            )
    return tuple(found)


def _check_names(source: Source, steps: tuple[Step, ...]) -> None:
    """Check that each name is saved once, and before its use."""
    saved: dict[str, Step] = {}
    for step in steps:
        for call in calls(step):
            for one in pending([call.arguments, call.who, call.post]):
                saver = saved.get(one.name)
                if saver is None:
                    reason = f"nothing is called {one.shown}: neither the data nor an earlier step says it"
                    source.mistake(step.where, reason)
                elif saver.number == step.number and max(step.parallel, step.bulk) > 1:
                    source.mistake(step.where, f"{one.shown} is saved by the same step; it cannot be parallel")
        for name in step.saves:
            if name in saved:
                source.mistake(step.where, f"{name} is saved already by an earlier step")
            saved[name] = step
