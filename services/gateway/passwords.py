"""Which passwords are taken: long enough to withstand guessing, neither common nor made of what everybody knows of the account."""

from __future__ import annotations

import unicodedata

from shared.domain.errors import BadInputError
from shared.domain.words import Said, _, said

#: Characters of a password.
SHORTEST, LONGEST = 10, 200
#: Guesses that a password must withstand, as powers of ten: what zxcvbn calls safely unguessable where guessing is braked.
STRENGTH = 8.0
#: Earlier passwords of an account that are not taken again.
REMEMBERED = 5
#: Characters that are weighed; more make a password no easier to guess.
_WEIGHED = 72
#: Words of this program and of Chinese passwords that the library's lists, which are English ones, do not have.
WORDS = (
    *("linli", "lianbang", "shequ", "jiedao", "xiaoqu", "wangge", "admin", "operator", "guanliyuan", "mima"),
    *("woaini", "woaini1314", "woaini520", "5201314", "1314520", "iloveyou", "nihao", "zhongguo", "beijing", "fuzhou"),
)


def check_password(password: str, *known: str, field: str = "password") -> None:
    """Raise `BadInputError` for a password that is too short, blank, common, or made of `known` words such as the account's name."""
    if reason := _refused(password, known):
        raise BadInputError(_("the password is not taken"), {field: reason})


def _refused(password: str, known: tuple[str, ...]) -> Said | None:
    if not SHORTEST <= len(password) <= LONGEST:
        return said(_("must have 10 to 200 characters"))
    plain = unicodedata.normalize("NFKC", password)
    if len(set(plain.split())) == 0:
        return said(_("must not be blank"))
    named = [word.casefold() for word in known if len(word) > 3]
    rest = plain.casefold()
    for word in named:
        rest = rest.replace(word, "")
    if len(rest) < SHORTEST // 2:
        return said(_("must not be made of the name"))
    from zxcvbn import zxcvbn  # its lists take memory that most processes need not have

    if float(zxcvbn(plain[:_WEIGHED], user_inputs=[*known, *WORDS])["guesses_log10"]) < STRENGTH:
        return said(
            _(
                "is too easy to guess: common, or a pattern that is tried first; take several words that do not belong together"
            )
        )
    return None
