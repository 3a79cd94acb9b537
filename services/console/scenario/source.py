"""Strict YAML as plain data with line numbers.

Only null, true, false and whole numbers are converted: `350104.013`, `2025-03-04`, `no` stay text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from shared.domain.errors import BadInputError

#: The path of a value in the file: keys and indexes from the top.
Where = tuple[str | int, ...]

#: Most mistakes that one error shows.
MOST_SHOWN = 20
#: Largest file that is read, in bytes.
LARGEST_FILE = 4 * 1024 * 1024
_PLAIN = "tag:yaml.org,2002:"
_DEEPEST = 40


class _Loader(yaml.SafeLoader):
    """SafeLoader without implicit types other than those."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(f"{_PLAIN}null", re.compile(r"(?:null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver(f"{_PLAIN}bool", re.compile(r"(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(f"{_PLAIN}int", re.compile(r"-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))


class Source:
    """A file's data, the line of each value, and the mistakes found in it."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises `BadInputError` with line and reason when it is not YAML."""
        self.path = path
        self.mistakes: list[tuple[int, str]] = []
        self._lines: dict[Where, int] = {}
        try:
            if path.stat().st_size > LARGEST_FILE:
                raise BadInputError(f"{path} is larger than {LARGEST_FILE // 1024 // 1024} MB")
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"{path} cannot be read: {error}") from error
        try:
            node = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            reason = f"{error.context or ''} {error.problem}".strip()
            raise BadInputError(f"{path} is not YAML; nothing was sent", {f"{path.name}:{line}": reason}) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise BadInputError(f"{path} is not YAML; nothing was sent: {error}") from error
        self.data = self._plain(node, (), frozenset()) if node is not None else None

    def line(self, where: Where) -> int:
        """Return the line of a value, or of its nearest parent that has one."""
        while where and where not in self._lines:
            where = where[:-1]
        return self._lines.get(where, 1)

    def mistake(self, where: Where, reason: str) -> None:
        """Record a mistake in a value; `check` raises for all of them."""
        entry = (self.line(where), reason)
        if entry not in self.mistakes:
            self.mistakes.append(entry)

    def check(self) -> None:
        """Raise `BadInputError` with line and reason of each recorded mistake."""
        if not self.mistakes:
            return
        found: dict[str, str] = {}
        self.mistakes.sort()
        for line, reason in self.mistakes[:MOST_SHOWN]:
            place = f"{self.path.name}:{line}"
            found[place] = f"{found[place]}; {reason}" if place in found else reason
        if (more := len(self.mistakes) - MOST_SHOWN) > 0:
            found["…"] = f"and {more} more"
        number = len(self.mistakes)
        raise BadInputError(f"{self.path} has {number} mistake{'s' * (number > 1)}; nothing was sent", found)

    def _plain(self, node: yaml.Node, where: Where, around: frozenset[int]) -> Any:
        self._lines[where] = node.start_mark.line + 1
        if id(node) in around or len(where) > _DEEPEST:
            self.mistake(where, "is nested too deeply, or within itself")
            return None
        around |= {id(node)}
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_PLAIN}seq":
            return [self._plain(child, (*where, number), around) for number, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_PLAIN}map":
            return self._mapping(node, where, around)
        if isinstance(node, yaml.ScalarNode):
            match node.tag:
                case "tag:yaml.org,2002:str":
                    return node.value
                case "tag:yaml.org,2002:null":
                    return None
                case "tag:yaml.org,2002:bool":
                    return node.value == "true"
                case "tag:yaml.org,2002:int" if len(node.value) <= 17:
                    return int(node.value)
        self.mistake(where, f"{node.tag.removeprefix(_PLAIN)} {str(node.value)[:40]!r} is not possible here")
        return None

    def _mapping(self, node: yaml.MappingNode, where: Where, around: frozenset[int]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            line = key_node.start_mark.line + 1
            if key is None:
                self.mistakes.append((line, "a name must be plain text"))
                continue
            if key in found:
                self.mistakes.append((line, f"{key} is given twice"))
            found[key] = self._plain(value_node, (*where, key), around)
            self._lines[(*where, key)] = line
        return found
