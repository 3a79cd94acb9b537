"""Names in a scenario, like `${compound}` or `${o.issue}`: known from the file, or saved by a step while it runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.console.scenario.model import Joined, Keyed, Pending, pending
from services.console.scenario.source import Source, Where

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
#: Numbers of a series are smaller.
LONGEST_SERIES = 100_000
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
DOTTED = re.compile(r"[a-z][a-z0-9_]{0,40}(?:\.[A-Za-z0-9_]{1,40}){0,8}")


@dataclass(frozen=True)
class Item:
    """The meaning of a loop's name in one turn: a value, and its full name outside the loop."""

    value: Any
    name: str


@dataclass(frozen=True)
class Names:
    """The names that a step can use: the file's data, and the loops around the step."""

    source: Source
    data: Mapping[str, Any]
    items: Mapping[str, Item]

    def within(self, variable: str, item: Item) -> Names:
        """Return the names within one turn of a loop."""
        return Names(self.source, self.data, {**self.items, variable: item})

    def full(self, dotted: str) -> str:
        """Return the full name, independent of loops: `o.issue` is `opinions.3.issue`."""
        head, _, rest = dotted.partition(".")
        start = self.items[head].name if head in self.items else head
        return f"{start}.{rest}" if rest else start

    def known(self, dotted: str) -> tuple[bool, Any]:
        """Return whether the file's data defines a name, and its value."""
        head, *rest = dotted.split(".")
        if head in self.items:
            value = self.items[head].value
        elif head in self.data:
            value = self.data[head]
        else:
            return False, None
        for name in rest:
            if isinstance(value, Mapping) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                return False, None
        return True, value

    def value(self, dotted: str, where: Where) -> Any:
        """Return the value of a name; `Pending` when no data defines it, so that a step must save it."""
        if not DOTTED.fullmatch(dotted):
            self.source.mistake(where, f"${{{dotted}}} is not a name: letters, digits and _, joined by dots")
            return None
        found, value = self.known(dotted)
        if found:
            return self.filled(value, where)
        return Pending(self.full(dotted), dotted)

    def filled(self, value: Any, where: Where) -> Any:
        """Return a value of the file with all its names replaced."""
        if isinstance(value, str):
            return self._text(value, where)
        if isinstance(value, list):
            return [self.filled(part, (*where, number)) for number, part in enumerate(value)]
        if isinstance(value, dict):
            if "for" in value and "give" in value:
                return self._each(value, where)
            return {name: self.filled(part, (*where, name)) for name, part in value.items()}
        return value

    def turns(self, loop: Any, where: Where) -> list[tuple[str, Names]]:
        """Yield the turns of `for: {o: opinions, where: {lead: street}}`: the index of each, and the names within it."""
        if not isinstance(loop, dict) or not (variables := [name for name in loop if name != "where"]):
            self.source.mistake(where, "for must say what runs over what, like {o: opinions}")
            return []
        if len(variables) > 1:
            self.source.mistake(where, f"for runs over one list, not {len(variables)}; put one loop into the other")
            return []
        variable, listed = variables[0], loop[variables[0]]
        if not NAME.fullmatch(variable):
            self.source.mistake(where, f"{variable!r} cannot be a name: small letters, digits and _")
            return []
        name = f"{variable}@{'.'.join(map(str, where))}"
        if isinstance(listed, str):
            found, values = self.known(listed)
            name = self.full(listed)
            if not found:
                self.source.mistake((*where, variable), f"there is no list {listed} in the data")
                return []
            listed = values
        if isinstance(listed, dict):
            listed = self._series(listed, (*where, variable))
        if not isinstance(listed, list):
            self.source.mistake((*where, variable), f"{variable} must run over a list, not over {_kind(listed)}")
            return []
        chosen = [(number, value) for number, value in enumerate(listed) if self._fits(value, loop.get("where"), where)]
        if not chosen and not self.items:  # within another loop some turns may be empty
            self.source.mistake(where, "the loop runs over nothing")
        return [(str(number), self.within(variable, Item(value, f"{name}.{number}"))) for number, value in chosen]

    def _series(self, series: dict[str, Any], where: Where) -> list[dict[str, int]]:
        """`{from: 1, to: 1004, over: 75}`: items `n` of 1 to 1004, spread over 75 in turn, the one of each as `of`."""
        match {"over": 1} | series:
            case {"from": int(first), "to": int(last), "over": int(over), **rest} if not rest:
                if 1 <= first <= last < LONGEST_SERIES and over >= 1:
                    return [{"n": number, "of": (number - 1) % over + 1} for number in range(first, last + 1)]
        reason = f"a series needs whole numbers, like {{from: 1, to: 20, over: 5}}, in order and below {LONGEST_SERIES}"
        self.source.mistake(where, reason)
        return [{"n": 0, "of": 1}]  # so that the loop's own mistakes are found too

    def _fits(self, value: Any, conditions: Any, where: Where) -> bool:
        if conditions is None:
            return True
        if not isinstance(conditions, dict) or not isinstance(value, Mapping):
            self.source.mistake(where, "where needs names and values, like {lead: street}, and a list of such")
            return False
        listed = {name: wanted if isinstance(wanted, list) else [wanted] for name, wanted in conditions.items()}
        return all(value.get(name) in wanted for name, wanted in listed.items())

    def _each(self, value: dict[str, Any], where: Where) -> list[Any] | dict[str, Any] | Keyed:
        """`{for: {o: opinions}, give: …}` makes a list; with `name`, a mapping."""
        for name in sorted(value.keys() - {"for", "give", "name"}):
            self.source.mistake(
                (*where, name), f"{name} is unknown; a list is made of for and give, a mapping also of name"
            )
        turns = [turn for _, turn in self.turns(value["for"], (*where, "for"))]
        given = [turn.filled(value["give"], (*where, "give")) for turn in turns]
        if "name" not in value:
            return given
        entries = tuple(zip((turn.filled(value["name"], (*where, "name")) for turn in turns), given, strict=True))
        return Keyed(entries) if next(pending(Keyed(entries)), None) else {str(name): part for name, part in entries}

    def _text(self, text: str, where: Where) -> Any:
        if (whole := _REFERENCE.fullmatch(text)) is not None:
            return self.value(whole[1], where)
        if "${" not in text:
            return text
        parts: list[str | Pending] = []
        end = 0
        for reference in _REFERENCE.finditer(text):
            value = self.value(reference[1], where)
            if isinstance(value, list | dict | Joined) or value is None:
                self.source.mistake(where, f"${{{reference[1]}}} is {_kind(value)} and cannot stand within a text")
                value = ""
            parts += [text[end : reference.start()], value if isinstance(value, Pending) else str(value)]
            end = reference.end()
        parts.append(text[end:])
        if "${" in "".join(part for part in parts if isinstance(part, str)):
            self.source.mistake(where, "a ${ is not closed by }")
        if all(isinstance(part, str) for part in parts):
            return "".join(part for part in parts if isinstance(part, str))
        return Joined(tuple(part for part in parts if part != ""))


def _kind(value: Any) -> str:
    kinds = {dict: "a mapping", list: "a list", bool: "true or false", int: "a number", str: "text"}
    return kinds.get(type(value), "nothing")
