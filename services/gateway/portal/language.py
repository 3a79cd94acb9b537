"""What the pages say, in two languages; dates, amounts and shares as people read them.

The table lies in `translations/*.json`: key to [Chinese, English]. A text that is missing raises, so that a test finds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import g, request
from markupsafe import Markup, escape

from shared.domain.calendar import LOCAL

LANGUAGES = ("zh", "en")
COOKIE = "linli_language"
_FOLDER = Path(__file__).parent / "translations"


@cache
def table() -> dict[str, tuple[str, str]]:
    """All texts: key to (Chinese, English)."""
    texts: dict[str, tuple[str, str]] = {}
    for path in sorted(_FOLDER.glob("*.json")):
        if path.name == "messages.json":
            continue
        for key, (zh, en) in json.loads(path.read_text(encoding="utf-8")).items():
            if key in texts:
                raise ValueError(f"{path.name} has {key} again")
            texts[key] = (zh, en)
    return texts


@cache
def _messages() -> list[tuple[re.Pattern[str], str]]:
    rows = json.loads((_FOLDER / "messages.json").read_text(encoding="utf-8"))
    return [(re.compile(pattern), zh) for pattern, zh in rows]


def language() -> str:
    """The reader's language: of the cookie, else the first one the browser asks for that we have, else Chinese."""
    if "language" not in g:
        kept = request.cookies.get(COOKIE, "")
        g.language = kept if kept in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    chosen: str = g.language
    return chosen


def say(key: str, **given: Any) -> str | Markup:
    """The text of a key with `{names}` filled in; raises `KeyError` for an unknown key."""
    text = table()[key][LANGUAGES.index(language())]
    return Markup(escape(text)).format(**given) if given else text


def code(group: str, value: str) -> str:
    """The words of a code (`status`, `accepted`); an unknown code stays as it is."""
    found = table().get(f"{group}.{value}")
    return found[LANGUAGES.index(language())] if found else value


def named(row: Mapping[str, Any] | None, field: str = "name") -> str:
    """The name in a row in the reader's language; Chinese where there is no English one."""
    if not row:
        return ""
    return str((row.get(f"{field}_en") if language() == "en" else "") or row.get(field, ""))


def term(words: Mapping[str, Any] | None, value: str = "") -> str:
    """The words of an item of a city's list (`zh`, `en`); the code itself when the list has it no more."""
    return str((words or {}).get(language()) or (words or {}).get("zh") or value)


def refusal(text: str) -> str:
    """A service's message in Chinese where we have it; services speak English."""
    if language() == "zh":
        for pattern, zh in _messages():
            if found := pattern.search(text):
                return found.expand(zh)
    return text


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
