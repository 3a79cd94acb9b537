"""What the pages say, in two languages; dates, amounts and shares as people read them.

The texts lie in the gateway's catalogues under the context `page`. A text that is missing raises, so that a test finds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from services.gateway.reader import language as language
from shared.domain.calendar import LOCAL
from shared.words import known, sentence, table, word

#: Rows of the catalogue behind a sentence: (C12), （C12、X13）.
_ROWS = re.compile(r" ?[（(][A-Z][0-9]{2}(?:[,、\u81f3–-] ?[A-Z][0-9]{2})*[)）]")


def say(key: str, **given: Any) -> str | Markup:
    """The text of a key with `{names}` filled in; raises `KeyError` for an unknown key."""
    text = table(language())["page", key]
    return Markup(escape(text)).format(**given) if given else text


def code(group: str, value: str) -> str:
    """The word of a code: as pages say it, else as the services do; an unknown code stays as it is."""
    chosen = language()
    found = table(chosen).get(("page", f"{group}.{value}"))
    if found is not None:
        return found
    listed = chosen == "en" and group.endswith(" command") and (group, value) not in table(chosen)
    return word(chosen, group, value.removeprefix("find_") if listed else value)


def coded(group: str, value: str) -> bool:
    """Whether a value is a code that has a word, not what somebody wrote."""
    return ("page", f"{group}.{value}") in table(language()) or known(group, value)


def told(text: str) -> str:
    """A sentence in the reader's language."""
    return sentence(language(), text)


def capital(text: str) -> str:
    """A text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def _in_yuan(text: str) -> str:
    """A text without the unit of stored amounts: pages show and ask for yuan."""
    unit = str(say("unit.stored"))
    return text.replace(f",{unit}", "").replace(unit, "")


def label(name: str) -> str:
    """What a field is called."""
    return capital(_in_yuan(word(language(), "field", name)))


def about(text: str) -> str:
    """What something is for, for people: without the rows of the catalogue that it serves."""
    return capital(_in_yuan(_ROWS.sub("", told(text))))


def reasons(found: Any) -> list[str]:
    """The reasons of a field as sentences, those of its parts included."""
    if isinstance(found, Mapping):
        return [reason for part in found.values() for reason in reasons(part)]
    if isinstance(found, list | tuple):
        return [reason for part in found for reason in reasons(part)]
    return [told(found)] if isinstance(found, str) else []


def named(row: Mapping[str, Any] | None, field: str = "name") -> str:
    """The name in a row in the reader's language; Chinese where there is no English one."""
    if not row:
        return ""
    return str((row.get(f"{field}_en") if language() == "en" else "") or row.get(field, ""))


def term(words: Mapping[str, Any] | None, value: str = "") -> str:
    """The words of an item of a city's list (`zh`, `en`); the code itself when the list has it no more."""
    return str((words or {}).get(language()) or (words or {}).get("zh") or value)


def place(path: Iterable[Mapping[str, Any]]) -> str:
    """The names of places from the top down; of one that has ended also what it is now."""
    return " · ".join(_placed(part) for part in path)


def _placed(part: Mapping[str, Any]) -> str:
    now = [term(one, one["place"]) for one in part.get("now", ())]
    return f"{term(part)} {say('place.now', names='、'.join(now))}" if now else term(part)


def day(value: str) -> str:
    """A day (ISO) in words; empty stays empty."""
    try:
        moment = datetime.fromisoformat(value[:10])
    except (TypeError, ValueError):
        return value or ""
    return str(say("date", year=moment.year, month=moment.month, day=moment.day, month_name=f"{moment:%B}"))


def time(value: str) -> str:
    """A moment (RFC 3339) in words, local time."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value or ""
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(LOCAL)
    return str(say("date_time", date=day(moment.date().isoformat()), time=f"{moment:%H:%M}"))


def moment() -> int:
    """Now, in seconds."""
    return int(datetime.now(UTC).timestamp())


def today() -> str:
    """The local day (ISO)."""
    return datetime.now(LOCAL).date().isoformat()


def yuan(fen: int) -> str:
    """An amount in yuan, exact to the fen: 123456 gives 1,234.56."""
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"


def percent(numerator: int, denominator: int) -> str:
    """A share in per cent with one decimal, rounded half up; a dash without a denominator."""
    if denominator <= 0:
        return "—"
    tenths = (2000 * numerator + denominator) // (2 * denominator)
    return f"{tenths // 10}.{tenths % 10}%"


def thousandths(numerator: int, denominator: int) -> int:
    """A share as the width of a bar that is 1000 wide."""
    return max(0, min(1000, 1000 * numerator // denominator)) if denominator > 0 else 0


def count(number: int) -> str:
    """A whole number with separators."""
    return f"{number:,}"
