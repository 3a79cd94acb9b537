"""Sentences and codes that people read: templates with arguments, translated where they are shown, never where they arise.

`_("the voucher {voucher} is already in the books")` marks a template for the catalogues in `shared/words`; the English template is its
key. `term("status", "resolved")` is a code whose word depends on the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _(template: str) -> str:
    """Mark a template for translation."""
    return template


class Term(str):
    """A code that has words: the text is the code, `group` the list of words it belongs to."""

    __slots__ = ("group",)
    group: str


def term(group: str, code: str) -> Term:
    """A code of a group of words (`status`, `power`, `command`, a list of the city)."""
    made = Term(code)
    made.group = group
    return made


class Said(str):
    """A sentence: the English text, with the template and the arguments that it was made of."""

    __slots__ = ("given", "template")
    template: str
    given: dict[str, Any]


def said(template: str, /, **given: Any) -> Said:
    """The sentence of a template with its arguments; without arguments braces stay as they are."""
    made = Said(template.format(**given) if given else template)
    made.template, made.given = template, given
    return made


def to_wire(sentence: str) -> dict[str, Any]:
    """The form in which a sentence travels: template and arguments; terms as `{"group", "code"}`, alone too."""
    if isinstance(sentence, Term):
        sentence = said("{word}", word=sentence)
    if not isinstance(sentence, Said):
        return {"template": str(sentence), "given": {}}
    given = {
        name: {"group": value.group, "code": str(value)} if isinstance(value, Term) else value
        for name, value in sentence.given.items()
    }
    return {"template": sentence.template, "given": given}


def from_wire(mapping: Mapping[str, Any]) -> Said:
    """The sentence that `to_wire` wrote."""
    given = {
        name: term(value["group"], value["code"]) if isinstance(value, Mapping) else value
        for name, value in mapping.get("given", {}).items()
    }
    return said(str(mapping["template"]), **given)
