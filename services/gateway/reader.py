"""The language of whoever reads an answer."""

from __future__ import annotations

from flask import g, request
from werkzeug.exceptions import HTTPException

from shared.domain.errors import LinliError
from shared.words import LANGUAGES

COOKIE = "linli_language"
#: Field of a form that is shown again in another language, with everything typed.
CHANGED = "say_in"
#: Paths that machines ask; everything else are pages.
MACHINES = ("/api/", "/health/", "/city-ledger/")


def changed() -> str:
    """The language that a half-written form is to be shown in, "" for none."""
    try:
        given = request.form.get(CHANGED, "") if request.method == "POST" else ""
    except (HTTPException, LinliError):  # a form that is not read; whoever asks for its fields says so
        return ""
    return given if given in LANGUAGES else ""


def language() -> str:
    """Of the API: that of Accept-Language, else English.

    Of pages: the one just changed to, else that of the cookie, else of the browser, else Chinese.
    """
    if "language" not in g:
        wanted = request.accept_languages.best_match(LANGUAGES)
        if request.path.startswith(MACHINES):
            g.language = wanted or "en"
        else:
            kept = changed() or request.cookies.get(COOKIE, "")
            g.language = kept if kept in LANGUAGES else wanted or LANGUAGES[0]
    chosen: str = g.language
    return chosen
