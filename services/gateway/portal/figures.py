"""Figures in words: numbers with what they count, sums by code, who is counted and who is missing; a zero is a figure too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.gateway.portal import language
from services.gateway.portal.declared import Aggregate
from services.gateway.portal.frame import Frame
from shared.domain.query import Query

Answer = Mapping[str, Any]
#: Of lists whose codes a list of the city says itself: the field of the answer that names its entry, the list, the part with the codes.
_OWN_WORDS = {"codes": ("scheme", "schemes", "codes"), "has": ("coverage", "coverages", "asks")}
#: Groups of words for codes of sums, besides those of the same name.
_GROUPS = {"follow_ups": ("result",), "roles": ("volunteer_roles",)}
#: The list of the city whose codes a part of an answer counts by, where several may have a code.
_LISTS = {
    "by_role": "roles",
    "places_by_kind": "place_kinds",
    "organisations_by_type": "organisation_types",
    "organisations_by_level": "levels",
    "measures": "measures",
    "checklists": "checklists",
    "roles": "roles",
}
#: How the names of queries end whose answers are figures, or rows that say how each was counted.
_ENDINGS = ("_figures", "_map")


def are_figures(query: Query) -> bool:
    """Whether a query answers with figures."""
    return query.name.endswith(_ENDINGS)


def shown(frame: Frame, of: Aggregate, answer: Answer) -> dict[str, Any]:
    """A group: `lines` of a label and a text, `groups` within it; what has no word is left out."""
    return _Figures(frame, of, answer).group("", answer)


def about(answer: Answer | None, query: Query) -> str:
    """What is counted: as the city says it, else what the query is for."""
    means = {"zh": (answer or {}).get("means", ""), "en": (answer or {}).get("means_en", "")}
    return language.term(means) if means["zh"] else language.about(query.summary)


class _Figures:
    def __init__(self, frame: Frame, of: Aggregate, answer: Answer) -> None:
        self.frame, self.of, self.answer = frame, of, answer

    def group(self, title: str, part: Answer) -> dict[str, Any]:
        """What a part of the answer says, in its own order."""
        lines: list[tuple[str, str]] = []
        groups: list[dict[str, Any]] = []
        for name, value in part.items():
            if not language.coded("figure", name):
                continue
            group = "question" if isinstance(value, bool) and language.coded("question", name) else "figure"
            label = language.capital(language.code(group, name))
            if isinstance(value, Mapping) and {"numerator", "denominator"} <= value.keys():
                lines.append((label, f"{language.count(value['numerator'])} / {language.count(value['denominator'])}"))
            elif isinstance(value, Mapping):
                groups += self._parts(label, name, value)
            elif isinstance(value, list) and value and isinstance(value[0], Mapping):
                groups.append(
                    {"title": label, "lines": [], "groups": [self.group(self._named(one), one) for one in value]}
                )
            elif isinstance(value, list):
                if value:
                    lines.append((label, language.say("comma").join(self._words(name, value))))
            elif value not in ("", None):
                lines.append((label, language.named(part, name) if f"{name}_en" in part else self._text(name, value)))
        return {"title": title, "lines": lines, "groups": groups}

    def _parts(self, label: str, name: str, value: Answer) -> list[dict[str, Any]]:
        """A part with fields of its own, or sums by code."""
        if value and all(language.coded("figure", key) for key in value) and name not in _OWN_WORDS:
            return [self.group(label, value)]
        plain = [(self._word(name, code), part) for code, part in value.items()]
        lines = [(word, self._text(name, _size(part))) for word, part in plain if not isinstance(part, Mapping)]
        groups = [self.group(word, part) for word, part in plain if isinstance(part, Mapping)]
        return [{"title": label, "lines": lines, "groups": groups}] if lines or groups else []

    def _named(self, row: Answer) -> str:
        """What a row of an answer is called."""
        if row.get("zh"):
            return language.term(row)
        for field, listed in (("measure", "measures"), ("source", "money_sources")):
            if row.get(field):
                return self.frame.words(listed, str(row[field]))
        return language.named(row, "name") or str(row.get("subject", ""))

    def _words(self, name: str, codes: Iterable[Any]) -> list[str]:
        return [self._word("has" if name == "lacks" else name, str(code)) for code in codes]

    def _word(self, name: str, code: str) -> str:
        """What a code, a place or a body is called."""
        if name in _OWN_WORDS:
            return self._own(name).get(code, code)
        if (found := self.frame.entries(_LISTS.get(name, "")).get(code)) is not None:
            return found
        for group in (f"{self.of.category} status", name, *_GROUPS.get(name, ())):
            if language.coded(group, code):
                return language.code(group, code)
        if name == "missing":
            named = self.frame.place_name(code)
            return named if named != code else self.frame.organisation_name(code)
        frame, part = self.frame, name.removeprefix("by_")
        found = frame.entries(_LISTS.get(name, "levels")).get(code) or frame.item(part, code)
        listed = frame.list_of([code])
        return found or (frame.words(listed, code) if listed else self._of_class(name, code))

    def _of_class(self, name: str, code: str) -> str:
        """A part of a category has no words of its own: it is called by the categories in it."""
        within = [words for one, words in self.frame.entries("issue_categories").items() if one.startswith(f"{code}.")]
        return str(language.say("comma").join(within)) if within and name == "by_class" else language.code(name, code)

    def _own(self, name: str) -> dict[str, str]:
        field, listed, part = _OWN_WORDS[name]
        entry = self.frame.profile()["code_lists"].get(listed, {}).get(str(self.answer.get(field, "")), {})
        return {one["code"]: language.term(one) for one in entry.get(part, ())}

    def _text(self, name: str, value: Any) -> str:
        if isinstance(value, bool):
            return str(language.say("yes" if value else "no"))
        if isinstance(value, int):
            return f"¥ {language.yuan(value)}" if name.endswith("fen") else language.count(value)
        if name == "place":
            return self.frame.place_name(str(value))
        if language.coded(name, str(value)):
            return language.code(name, str(value))
        return language.day(str(value)) if name in ("day", "counted_from", "counted_to") else str(value)


def _size(part: Any) -> Any:
    return len(part) if isinstance(part, list) else part
