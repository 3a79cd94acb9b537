"""A thing of a service as pages show it: what it is called, what it says, what may be done with it and by whom."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from zlib import crc32

from flask import g, url_for

from services.gateway.portal import language
from services.gateway.portal.declared import Aggregate, called
from services.gateway.portal.frame import Frame
from shared.domain.command import Command
from shared.domain.errors import BadInputError, DomainError, NotFoundError, UnavailableError
from shared.domain.fields import FEN, Choice, Kind
from shared.domain.query import LARGEST_PAGE, Query
from shared.domain.structures import Many, Pairs
from shared.domain.words import _, term
from shared.words import known, word

Row = Mapping[str, Any]
#: Pages looked through for a thing that no query finds by its id.
_PAGES = 4
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
#: Fields of a thing on a card at most, and other things that are named in one field.
_ON_A_CARD, _NAMED = 50, 30
#: What a thing is called by, if it has it; else the code of its sort.
_NAMES = ("title", "name")
_SORTS = ("category", "kind", "type", "role")
#: What stands first wherever a thing has it: the time limit, who answers for it, what they have to do.
_FIRST = ("due", "asked_due", "asked_because", "person_id", "duty")
#: What whoever decides about a time limit reads beside the form.
_LIMITS = ("due", "asked_due", "asked_because")
#: How far away is what can be done in any state.
_WHENEVER = 99
#: First words of commands that lead away from the end of a thing: offered, but never as what is done next.
_ASIDE = frozenset(
    ["ask", "cancel", "decline", "dispute", "end", "erase", "escalate", "leave", "reject", "release"]
    + ["reopen", "retire", "return", "reverse", "withdraw", "withhold"]
)
#: Fields that are shown in a place of their own, or say nothing to people.
_APART = frozenset(
    {
        *("key", "status", "place", "place_names", "actions", "others", "timeline", "open", "version", "fold"),
        *("problem_class", "unlocks", "origin", "finding_id", "calendar"),  # codes and ids that nothing has words for
    }
)


def find(frame: Frame, of: Aggregate, id: str) -> dict[str, Any]:
    """A thing by its id; raises `NotFoundError`, and `ForbiddenError` for those who may not read it."""
    if of.single is not None:
        try:
            return frame.gateway.ask(of.service, of.single.name, **{of.id_field: id})
        except BadInputError as error:  # it cannot be an id at all
            raise _missing(of, id) from error
    for query in of.lists:
        for row in _looked_through(frame, of, query, id):
            if row.get(of.id_field) == id:
                return dict(row)
    raise _missing(of, id)


def _missing(of: Aggregate, id: str) -> NotFoundError:
    return NotFoundError(_("there is no {thing} {id}"), thing=term("thing", of.category), id=id[:64])


def _looked_through(frame: Frame, of: Aggregate, query: Query, id: str, pages: int = _PAGES) -> Iterable[Row]:
    names = {field.name for field in query.fields}
    if id and of.id_field in names:
        yield from frame.gateway.ask(of.service, query.name, **{of.id_field: id})["rows"]
        return
    cursor = None
    for _page in range(pages):
        where: dict[str, Any] = {"limit": LARGEST_PAGE, "cursor": cursor}
        given = {name: value for name, value in where.items() if value and name in names}
        page = frame.gateway.ask(of.service, query.name, **given)
        yield from page["rows"]
        if not (cursor := page.get("next")):
            return


def title(frame: Frame, of: Aggregate, row: Row) -> str:
    """What a thing is called: its title or name, else its sort, else what it is."""
    if row.get("zh"):
        return language.term(row)
    name = _called_by(of, row)
    if name in _NAMES:
        return language.named(row, name)
    if name:
        return _one(frame, of, name, row[name], of.kinds[name], row)
    found = word(language.language(), "thing", of.category)
    return found[:1].upper() + found[1:]


def _called_by(of: Aggregate, row: Row) -> str:
    """The field that a thing is called by; "" for none."""
    if name := next((name for name in _NAMES if language.named(row, name)), ""):
        return name
    return next((name for name in _SORTS if name in of.kinds and row.get(name)), "")


def know_persons(frame: Frame, of: Aggregate, rows: Iterable[Row]) -> None:
    """Ask at once for the names of everybody whom rows name."""
    frame.know_persons(
        str(value)
        for row in rows
        for name, value in row.items()
        if isinstance(value, str) and _names_person(name, of.kinds.get(name))
    )


def _names_person(name: str, kind: Kind | None) -> bool:
    return name.endswith("person_id") or (kind is not None and kind.refers == "person")


def shown(frame: Frame, of: Aggregate, row: Row, most: int = 1000) -> dict[str, Any]:
    """A thing as the templates need it, with at most so many of its fields."""
    id = str(row.get(of.id_field, ""))
    text = _text(of, row)
    parts = row.get("place_names") or []
    place = str(row.get("place", ""))
    late = bool(row.get("due")) and bool(row.get("open")) and str(row["due"]) < language.today()
    return {
        "service": of.service,
        "category": of.category,
        "id": id,
        "id_field": of.id_field,
        "box": box(of, id or str(crc32(repr(row).encode()))),
        "title": title(frame, of, row),
        "place_name": language.place(parts) or (frame.place_name(place) if place else ""),
        "status": row.get("status", ""),
        "status_words": _one(frame, of, "status", row["status"], of.kinds.get("status"), row)
        if row.get("status")
        else "",
        "overdue": late,
        "provisional": bool(row.get("provisional")) and bool(row.get("open", row.get("status") == "owed")),
        "text": row[text] if text else "",
        "pairs": pairs(frame, of, row, {text, *_NAMES, _called_by(of, row)}, most > _ON_A_CARD)[:most] if most else [],
        "limits": pairs(frame, of, {name: row[name] for name in _LIMITS if name in row}),
        "actions": actions(of, id, row.get("actions", ()), row),
        "others": others(row.get("others", ())),
        "timeline": timeline(row.get("timeline", ())),
        "late": row.get("late", 0),
        "late_entries": sorted(row.get("late_entries", {}).values(), key=lambda times: str(times["occurred"])),
        "link": _address(of, id) if id and (of.single or of.lists) else _asked_for(of, row),
    }


def box(of: Aggregate, id: str) -> str:
    """The id of the element that shows a thing, as scripts and addresses can name it."""
    return re.sub(r"[^\w-]", "_", f"{of.category}-{id}")


def _text(of: Aggregate, row: Row) -> str:
    """The name of the text that says what a thing is about: of what began it, else of what was done to it later."""
    commands = sorted(of.decider.commands.values(), key=lambda command: command.new is None)
    fields = (field for command in commands for field in command.asked)
    return next((field.name for field in fields if field.kind.control == "lines" and row.get(field.name)), "")


def actions(of: Aggregate, id: str, names: Iterable[str], row: Row) -> list[dict[str, Any]]:
    """Commands that the reader may give to a thing, with where each is asked for; what comes next stands first.

    What has no id of its own to be named by, such as an entry of a list of the city, is named by what it says.
    """
    found = []
    for name in sorted(names, key=lambda name: _far(of.decider.commands.get(name), str(row.get("status", "")))):
        command = of.decider.commands.get(name)
        if command is not None:
            named: dict[str, Any] = {of.id_field: id} if command.id_field else _as_typed(command, row)
            link = url_for("portal.form", service=of.service, name=name, **named)
            found.append({"command": name, "link": link, "plain": not command.asked})
    return found


def _far(command: Command | None, status: str) -> tuple[bool, int]:
    """How far a command is from what is done next: it is made for the first of its statuses, and is possible still in the others."""
    if command is None:
        return True, 0
    possible = command.when.index(status) if status in command.when else _WHENEVER
    return command.name.partition("_")[0] in _ASIDE, possible


def _as_typed(command: Command, row: Row) -> dict[str, Any]:
    said = {field.name: row[field.name] for field in command.asked if row.get(field.name) and field.name != "since"}
    return {
        name: json.dumps(part, ensure_ascii=False) if isinstance(part, Mapping) else part for name, part in said.items()
    }


def others(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Who may do what the reader may not."""
    return [{"command": row["command"], "posts": row["posts"]} for row in rows if row.get("posts")]


def timeline(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """What happened to a thing, in words; late entries with both times."""
    return [
        {
            "what": language.code("event", str(row.get("what", ""))),
            "at": str(row.get("at", "")),
            "who": " · ".join(filter(None, (language.named(row, "organisation"), language.named(row, "post")))),
            "text": str(row.get("text", "") or ""),
            "late": {"occurred": row["at"], "recorded": row["recorded"], "imported": row.get("imported", 0)}
            if row.get("recorded")
            else None,
        }
        for row in rows
    ]


def pairs(
    frame: Frame, of: Aggregate, row: Row, without: Iterable[str] = (), in_full: bool = True
) -> list[dict[str, Any]]:
    """The fields of a thing that have a label, in words; what says nothing is left out, lists of other things unless in full."""
    found = []
    for name, value in sorted(row.items(), key=lambda one: _FIRST.index(one[0]) if one[0] in _FIRST else len(_FIRST)):
        nothing = value in (None, "", [], {}, 0, False) or (isinstance(value, Mapping) and value.get("rows") == [])
        if (
            nothing
            or name in _APART
            or name in without
            or name == of.id_field
            or (name == "as_of" and "position" in value)
        ):
            continue
        if not in_full and isinstance(value, list) and _listed(of, name) is not None:
            continue
        if name.endswith("_en") or not known("field", name):
            continue
        found.append({"label": language.label(name)} | _said(frame, of, name, value, row))
    return found


def _said(frame: Frame, of: Aggregate, name: str, value: Any, row: Row) -> dict[str, Any]:
    """A value in words: a line, a list of lines, or things within the thing."""
    kind = of.kinds.get(name)
    if isinstance(value, Mapping) and "rows" in value:
        value = value["rows"]
    if isinstance(value, Mapping):
        return {"within": [pairs(frame, of, value) or _by_code(frame, of, name, value, row)]}
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        if all("zh" in part for part in value):
            return {"lines": [language.term(part, str(part.get("code", ""))) for part in value]}
        return {"within": [pairs(frame, of, part) for part in value]}
    if isinstance(value, list) and (other := _listed(of, name)) is not None:
        return {"links": [(_called(frame, other, id), _address(other, id)) for id in value[:_NAMED]]}
    if isinstance(value, list):
        inner = kind.kind if isinstance(kind, Many) else kind
        return {"lines": [_one(frame, of, name, part, inner, row) for part in value]}
    return {"lines": [_one(frame, of, name, value, kind, row)], "link": _link(frame, kind, value)}


def _by_code(frame: Frame, of: Aggregate, name: str, value: Row, row: Row) -> list[dict[str, Any]]:
    """Values by the codes of one of the city's lists, or of what the thing itself lists."""
    kind = of.kinds.get(name)
    listed = frame.list_of(value)
    own = {str(part["code"]): language.term(part) for part in row.get("items", ()) if isinstance(part, Mapping)}
    money = listed == "money_sources"
    found: list[dict[str, Any]] = []
    for code, part in value.items():
        label = frame.words(listed, code, name) if listed else own.get(code) or _coded(frame, name, code)
        if isinstance(part, Mapping):
            found.append({"label": label, "within": [pairs(frame, of, part)]})
        elif not isinstance(part, list):
            values = kind.values if isinstance(kind, Pairs) else FEN if money else None
            found.append({"label": label, "lines": [_one(frame, of, name, part, values, row)]})
    return found


def _coded(frame: Frame, name: str, code: str) -> str:
    """The word of a code; of one that holds at a place (`patroller@350104.013`) with the name of that."""
    head, _at, place = code.partition("@")
    listed = frame.list_of([head]) if place else ""
    return f"{frame.words(listed, head)} · {frame.place_name(place)}" if listed else language.code(name, code)


def _listed(of: Aggregate, name: str) -> Aggregate | None:
    """The kind of things that a field lists by their ids, when each can be asked for."""
    kind = of.kinds.get(name)
    found = called(kind.kind.refers) if isinstance(kind, Many) and kind.kind.control == "pick" else None
    return found if found is not None and found.single is not None else None


def _called(frame: Frame, of: Aggregate, id: str) -> str:
    """What a thing is called, asked once a request; the id when it cannot be told."""
    kept: dict[tuple[str, str], str] = g.setdefault("things_called", {})
    if (of.category, id) not in kept:
        if of.single is not None:
            try:
                kept[of.category, id] = title(frame, of, find(frame, of, id))
            except (DomainError, UnavailableError):
                kept[of.category, id] = id
        else:
            kept |= {(of.category, one): title(frame, of, row) for one, row in _all(frame, of).items()}
    return kept.get((of.category, id), id)


def _all(frame: Frame, of: Aggregate) -> Mapping[str, Row]:
    """The things that the reader finds on the first page of a list of theirs, by id, asked once a request."""
    kept: dict[str, dict[str, Row]] = g.setdefault("things_listed", {})
    if of.category not in kept:
        kept[of.category] = {}
        with suppress(DomainError, UnavailableError, BadInputError):
            rows = _looked_through(frame, of, of.lists[0], "", 1) if of.lists else ()
            kept[of.category] = {str(row[of.id_field]): row for row in rows if of.id_field in row}
    return kept[of.category]


def _address(of: Aggregate, id: str) -> str:
    return url_for("portal.thing", service=of.service, category=of.category, id=id)


def _asked_for(of: Aggregate, row: Row) -> str:
    """Where a thing is shown that is asked for by other fields than its id, such as an entry by its list and code; "" for nowhere."""
    for query in of.decider.queries.values():
        needed = [field.name for field in query.fields if field.required]
        if query.name.startswith("get_") and needed and all(row.get(name) for name in needed):
            given = {name: row[name] for name in needed}
            return url_for("portal.form", service=of.service, name=query.name, **given)
    return ""


def _link(frame: Frame, kind: Kind | None, value: Any) -> str:
    """Where the thing is shown that an id names; "" where this reader would not find it."""
    of = called(kind.refers) if kind is not None and kind.control in ("pick", "place") else None
    if of is None or not (of.single is not None or (of.lists and str(value) in _all(frame, of))):
        return ""
    return _address(of, str(value))


def _one(frame: Frame, of: Aggregate, name: str, value: Any, kind: Kind | None, row: Row) -> str:
    """One value in words, by its kind, else by what it looks like."""
    if isinstance(value, bool):
        return str(language.say("yes" if value else "no"))
    if name == "status":
        declared = kind.refers if isinstance(kind, Choice) and value in kind.codes else ""
        return language.code(declared or f"{of.category} status", str(value))
    if name in ("power", "powers"):
        return language.code("power", str(value))
    if f"{name}_zh" in row:  # a code whose words stand beside it
        return language.term({"zh": row[f"{name}_zh"], "en": row[f"{name}_en"]}, str(value))
    if row.get(f"{name}_name"):  # a thing whose name stands beside it
        return language.named(row, f"{name}_name")
    if isinstance(kind, Choice):
        return language.code(kind.refers or name, str(value))
    if kind is not None and kind.control == "code":
        return frame.words(kind.refers, str(value), name)
    if isinstance(value, int):
        money = (kind is not None and kind.control == "money") or name.endswith("_fen")
        return f"¥ {language.yuan(value)}" if money else language.count(value)
    text = str(value)
    if "@" in text and kind is None:
        return _coded(frame, name, text)
    if (kind is not None and kind.control == "place") or name == "place" or name.endswith("_place"):
        return frame.place_name(text)
    if _names_person(name, kind):
        return frame.person_name(text)
    refers = kind.refers if kind is not None and kind.control == "pick" else ""
    if name.endswith(("organisation_id", "post_id")) and (given := language.named(row, name.removesuffix("_id"))):
        return given
    if name.endswith("organisation_id") or refers == "organisation":
        named = frame.organisation_name(text)
        if named != text:
            return named
    if (other := called(refers)) is not None:
        return _called(frame, other, text)
    if language.coded(name, text):
        return language.code(name, text)
    if own := frame.item(name, text):
        return own
    if _MOMENT.fullmatch(text):
        return language.time(text)
    return language.day(text) if _DAY.fullmatch(text) else text
