"""Steps of a scenario file: loops unrolled, times computed, names replaced."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from services.console.scenario.model import Call, Do, Pending, Step, Together, Wait, Words
from services.console.scenario.names import DOTTED, Names
from services.console.scenario.paths import PATH
from services.console.scenario.source import Source, Where
from shared.domain.calendar import LOCAL, LONGEST, working_day_after
from shared.domain.errors import STATUS
from shared.following.tables import AT_A_TIME

#: Most steps that are sent at once.
MOST_PARALLEL = 16
#: Most steps with all turns of loops counted.
MOST_STEPS = 100_000
_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}")
_CALL = re.compile(r"([a-z]+)\.([a-z_]+)")
_TIMED = {"at", "working_days_later", "save", "parallel", "bulk"}
_CALLED = {"who", "post", "with"}
#: The keys of each kind of step besides `for`.
_KINDS: dict[str, set[str]] = {
    "do": {"do", "refused", *_TIMED, *_CALLED},
    "wait": {"wait", "path", "equals", "within", *_TIMED, *_CALLED},
    "together": {"together", "succeed", *_TIMED},
    "steps": {"steps"},
    "chapter": {"chapter"},
}


def mapping(source: Source, value: Any, where: Where) -> dict[str, Any]:
    """Return the value if it is a mapping; otherwise record a mistake."""
    if isinstance(value, dict):
        return value
    source.mistake(where, f"{where[-1] if where else 'this'} must be a mapping of names to values")
    return {}


def words(source: Source, value: Any, where: Where) -> Words:
    """Read words in Chinese and English."""
    if isinstance(value, dict) and set(value) == {"zh", "en"} and all(isinstance(text, str) for text in value.values()):
        return value
    source.mistake(where, "words are needed in Chinese and English: {zh: …, en: …}")
    return {"zh": "", "en": ""}


def call_of(
    source: Source, entry: dict[str, Any], where: Where, names: Names, known: Collection[str], word: str = "do"
) -> Call | None:
    """Read the call of a step: `do: issues.report_issue`, `who`, `post`, `with`."""
    called = entry.get(word)
    found = _CALL.fullmatch(called) if isinstance(called, str) else None
    if found is None:
        source.mistake((*where, word), f"{word} must name a service and what it offers, like issues.report_issue")
        return None
    who = names.filled(entry.get("who", "anonymous"), (*where, "who"))
    if not isinstance(who, Pending) and (not isinstance(who, str) or who not in known):
        reason = f"there is no account {who!r}; there are operator, anonymous and those of the file"
        source.mistake((*where, "who"), reason)
    post = names.filled(entry.get("post", ""), (*where, "post"))
    if not isinstance(post, str | Pending):
        source.mistake((*where, "post"), "post must be the id of a post")
    arguments = names.filled(entry.get("with", {}), (*where, "with"))
    if not isinstance(arguments, dict):
        source.mistake((*where, "with"), "with must be a mapping of fields to values")
        return None
    return Call(found[1], found[2], arguments, who, post)


class Steps:
    """Collects the steps of a file in `found`, in file order, and its chapters."""

    def __init__(self, source: Source, accounts: Collection[str]) -> None:
        """`accounts` are the names allowed in `who`."""
        self.found: list[Step] = []
        self.chapters: list[Words] = []
        self._source = source
        self._accounts = accounts
        self._now = datetime.now(LOCAL)

    def read(self, entries: Any, names: Names, where: Where = ("steps",), number: str = "", turn: str = "") -> None:
        """Read a list of steps; `number` and `turn` are those of the loops around it."""
        if not isinstance(entries, list) or not entries:
            self._source.mistake(where, "steps must be a list of at least one step")
            return
        for index, entry in enumerate(entries):
            inner = (*where, index)
            entry = mapping(self._source, entry, inner)
            if "for" not in entry:
                self._one(entry, names, inner, f"{number}{index + 1}", turn)
                continue
            rest = {name: value for name, value in entry.items() if name != "for"}
            for key, within in names.turns(entry["for"], (*inner, "for")):
                if len(self.found) >= MOST_STEPS:
                    self._source.mistake(inner, f"more than {MOST_STEPS} steps")
                    return
                self._one(rest, within, inner, f"{number}{index + 1}", f"{turn}.{key}" if turn else key)

    def _one(self, entry: dict[str, Any], names: Names, where: Where, number: str, turn: str) -> None:
        kinds = [kind for kind in _KINDS if kind in entry]
        if len(kinds) != 1:
            said = " and ".join(kinds) or "none"
            self._source.mistake(where, f"a step has exactly one of {', '.join(_KINDS)}; this one has {said}")
            return
        kind = kinds[0]
        for name in entry.keys() - _KINDS[kind]:
            self._source.mistake((*where, name), f"{name} is unknown in a step with {kind}")
        match kind:
            case "steps":
                self.read(entry["steps"], names, (*where, "steps"), f"{number}.", turn)
            case "chapter":
                self.chapters.append(words(self._source, entry["chapter"], (*where, "chapter")))
            case _:
                self._timed(kind, entry, names, where, number, turn)

    def _timed(self, kind: str, entry: dict[str, Any], names: Names, where: Where, number: str, turn: str) -> None:
        if not self.chapters:
            self.chapters.append({"zh": "", "en": ""})
        common: dict[str, Any] = {
            "number": number,
            "turn": turn,
            "where": where,
            "line": self._source.line(where),
            "at": self._time(entry, names, where),
            "chapter": len(self.chapters) - 1,
            "parallel": self._count(entry, "parallel", 1, MOST_PARALLEL, 1, where),
            "bulk": self._count(entry, "bulk", 1, AT_A_TIME, 1, where),
            "saves": self._saves(entry.get("save"), names, where, kind),
        }
        if kind == "together":
            if (step := self._together(entry, names, where, common)) is not None:
                self.found.append(step)
            return
        call = call_of(self._source, entry, where, names, self._accounts, kind)
        if call is None:
            return
        if kind == "wait":
            path = entry.get("path")
            if not isinstance(path, str) or not PATH.fullmatch(path) or "equals" not in entry:
                self._source.mistake(where, "wait needs path and equals: where to look in the answer, and for what")
            within = self._count(entry, "within", 1, 600, 20, where)
            equals = names.filled(entry.get("equals"), (*where, "equals"))
            self.found.append(Wait(**common, call=call, path=str(path), equals=equals, within=within))
            return
        refused = entry.get("refused", "")
        if common["bulk"] > 1 and (refused or common["parallel"] > 1 or call.service != "registry"):
            self._source.mistake(
                (*where, "bulk"),
                "in bulk go commands of the registry that succeed, instead of in parallel",
            )
        if "refused" in entry and refused not in STATUS:
            self._source.mistake((*where, "refused"), f"refused must be one of {', '.join(STATUS)}")
        if refused and common["saves"]:
            self._source.mistake((*where, "save"), "a step that is refused has nothing to save")
        self.found.append(Do(**common, call=call, refused=refused))

    def _together(self, entry: dict[str, Any], names: Names, where: Where, common: dict[str, Any]) -> Together | None:
        entries = entry["together"]
        if not isinstance(entries, list) or not 2 <= len(entries) <= MOST_PARALLEL:
            self._source.mistake((*where, "together"), f"together needs a list of 2 to {MOST_PARALLEL} commands")
            return None
        found = []
        for index, one in enumerate(entries):
            inner = (*where, "together", index)
            one = mapping(self._source, one, inner)
            for name in one.keys() - {"do", *_CALLED}:
                self._source.mistake((*inner, name), f"{name} is unknown in a command of together")
            found.append(call_of(self._source, one, inner, names, self._accounts))
        succeed = self._count(entry, "succeed", 0, len(entries), None, where)
        calls = tuple(call for call in found if call is not None)
        return Together(**common, calls=calls, succeed=succeed) if len(calls) == len(entries) else None

    def _time(self, entry: dict[str, Any], names: Names, where: Where) -> str:
        text = names.filled(entry.get("at"), (*where, "at"))
        try:
            if not isinstance(text, str) or not _TIME.fullmatch(text):
                raise ValueError(f"at must be a local time like 2025-03-04 09:30, not {text!r}")
            day, clock = text.split()
            _real(day, clock)
            if "working_days_later" in entry:
                later = names.filled(entry["working_days_later"], (*where, "working_days_later"))
                if type(later) is not int or not 0 <= later <= LONGEST:
                    raise ValueError(f"working_days_later must be a whole number from 0 to {LONGEST}, not {later!r}")
                day = working_day_after(day, later).date if later else day
            time = _real(day, clock)
            if time > self._now:
                raise ValueError(f"{day} {clock} has not come yet; a scenario tells what happened")
        except ValueError as error:
            self._source.mistake((*where, "at"), str(error))
            return ""
        return time.isoformat(timespec="seconds")

    def _count(self, entry: dict[str, Any], name: str, least: int, most: int, default: int | None, where: Where) -> int:
        value = entry.get(name, default)
        if type(value) is not int or not least <= value <= most:
            self._source.mistake((*where, name), f"{name} must be a whole number from {least} to {most}")
            return least
        return value

    def _saves(self, value: Any, names: Names, where: Where, kind: str) -> dict[str, str]:
        """Read `save: o.issue`, which saves the answer's id, or `save: {o.paid: payment_id}`, which saves the value at a path."""
        where = (*where, "save")
        if value is None:
            return {}
        if isinstance(value, str) and kind != "wait":
            value = {value: "who" if kind == "together" else "id"}
        if not isinstance(value, dict) or not value:
            self._source.mistake(where, "save must be a name, or names and paths: {o.issue: rows.0.issue_id}")
            return {}
        found = {}
        for dotted, path in value.items():
            if not DOTTED.fullmatch(dotted):
                self._source.mistake(where, f"{dotted!r} cannot be a name: small letters, digits and _, joined by dots")
            elif not isinstance(path, str) or not PATH.fullmatch(path):
                self._source.mistake(where, f"{path!r} is not a path into the answer")
            elif names.known(dotted)[0]:
                self._source.mistake(where, f"{dotted} is in the data already; save under another name")
            else:
                found[names.full(dotted)] = path
        return found


def _real(day: str, clock: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{day}T{clock}:00+08:00")
    except ValueError as error:
        raise ValueError(f"{day} {clock} is not a real time: {error}") from None
