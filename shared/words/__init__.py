"""Words in the reader's language: gettext catalogues beside what they translate, read with Babel.

`shared/words/<language>.po` holds the kit's sentences, `services/<name>/words/<language>.po` a service's. A sentence's key is its English
template; a code's is its group as context (`status`, `command`, `power`, `thing`, `field`, a list of the city) with the code as text.
English is written in the program: its catalogues only hold words of codes that do not read well by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

from shared.domain.words import Said, Term

LANGUAGES = ("zh", "en")
ROOT = Path(__file__).resolve().parents[2]


def files(language: str) -> list[Path]:
    """The catalogues of a language."""
    return [ROOT / "shared" / "words" / f"{language}.po", *sorted(ROOT.glob(f"services/*/words/{language}.po"))]


@cache
def table(language: str) -> Mapping[tuple[str, str], str]:
    """All words of a language by (group, text); sentences have the group "".

    Raises `ValueError` where two catalogues say different things.
    """
    words: dict[tuple[str, str], str] = {}
    for path in files(language):
        if not path.exists():
            continue
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        for message in catalogue:
            if message.id and message.string:
                key = (message.context or "", str(message.id))
                if words.get(key, message.string) != message.string:
                    raise ValueError(f"{path}: {key} is said in two ways")
                words[key] = str(message.string)
    return words


def word(language: str, group: str, code: str) -> str:
    """The word of a code; in English the code itself reads as one, in other languages an unknown code stays as it is.

    Where the things of a city say one code differently the group names the thing too: what `project status` does not have, `status` has.
    """
    words = table(language)
    found = words.get((group, code), words.get((group.rpartition(" ")[2], code)))
    if found is not None:
        return found
    if language != "en":
        return code
    return _spelled(_of_field(code) if group == "field" else code)


#: Ends of the names of fields that say how a value is stored or compared.
_ENDS = (
    (r"_ids$", "s"),
    (r"_(id|fen)$", ""),
    (r"_en$", " in English"),
    (r"__under$", " and below"),
    (r"__gte$", " from"),
    (r"__lte?$", " before"),
)


def _of_field(name: str) -> str:
    """The name of a field as people read it: without what only programs ask for."""
    for end, said in _ENDS:
        name = re.sub(end, said, name)
    return name


def _spelled(code: str) -> str:
    """A code as English words; `-` before it is how lists say that they are sorted the other way round."""
    text = " ".join(re.split("[_-]+", code)).strip()
    return f"{text}, descending" if code.startswith("-") else text


def sentence(language: str, text: str) -> str:
    """A sentence with its arguments in a language; one without words stays in English."""
    if isinstance(text, Term):
        return word(language, text.group, text)
    template, given = (text.template, text.given) if isinstance(text, Said) else (text, {})
    found = template if language == "en" else table(language).get(("", template), template)
    return found.format(**{name: _argument(language, value) for name, value in given.items()}) if given else found


def _argument(language: str, value: Any) -> Any:
    return word(language, value.group, str(value)) if isinstance(value, Term) else value


def known(group: str, code: str) -> bool:
    """Whether a code of a group has a word in every language but English, which needs none."""
    general = group.rpartition(" ")[2]
    return all(
        (group, code) in table(language) or (general, code) in table(language)
        for language in LANGUAGES
        if language != "en"
    )
