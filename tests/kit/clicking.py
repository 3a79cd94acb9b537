"""A browser without script before a gateway in memory: it follows links and sends forms that it found, and types no address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

_VOID = ("input", "img", "br", "meta", "link", "hr")
#: Elements whose text is not read by anybody, or is no text; and the class of those that hold what machines wrote.
_SILENT = ("script", "style", "title", "textarea", "option", "pre", "code")
_MACHINES = "mono"


@dataclass
class Control:
    """A control of a form; `values` are those that may be chosen, `value` what is typed, chosen or ticked."""

    name: str
    type: str
    value: str
    values: list[str] = field(default_factory=list)
    on: bool = True
    required: bool = False
    wrong: bool = False


@dataclass
class Form:
    """A form with its controls and buttons (name and value)."""

    action: str
    method: str
    controls: list[Control] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def sent(self) -> list[tuple[str, str]]:
        """What a browser sends."""
        return [(one.name, one.value) for one in self.controls if one.name and one.on]

    def named(self, name: str) -> list[Control]:
        """The controls of a name: several for places, boxes and choices side by side."""
        return [one for one in self.controls if one.name == name]

    @property
    def visible(self) -> list[Control]:
        """The controls that people fill in."""
        return [one for one in self.controls if one.type != "hidden" and one.name]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.said: list[str] = []
        self._form: Form | None = None
        self._select: Control | None = None
        self._text: Control | None = None
        self._silent = 0
        self._machine = ""  # the element that holds what a machine wrote

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _SILENT:
            self._silent += 1
        if not self._machine and _MACHINES in given.get("class", "").split():
            self._machine = tag
        self.said += [given[name] for name in ("aria-label", "alt", "placeholder") if given.get(name)]
        match tag:
            case "a" if "href" in given:
                self.links.append(given["href"])
            case "form":
                self._form = Form(given.get("action", ""), given.get("method", "get"))
                self.forms.append(self._form)
            case "input" | "select" | "textarea" if self._form is not None:
                self._begin(tag, given)
            case "option" if self._select is not None:
                self._select.values.append(given.get("value", ""))
                if "selected" in given or len(self._select.values) == 1:
                    self._select.value = given.get("value", "")
            case "button" if self._form is not None:
                self._form.buttons.append((given.get("name", ""), given.get("value", "")))

    def _begin(self, tag: str, given: Mapping[str, str]) -> None:
        assert self._form is not None
        type = given.get("type", "text") if tag == "input" else tag
        ticked = type not in ("radio", "checkbox") or "checked" in given
        made = Control(
            given.get("name", ""),
            type,
            given.get("value", ""),
            on=ticked,
            required="required" in given,
            wrong="aria-invalid" in given,
        )
        self._form.controls.append(made)
        self._select = made if tag == "select" else self._select
        self._text = made if tag == "textarea" else self._text

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent -= 1
        if tag == self._machine:
            self._machine = ""
        match tag:
            case "form":
                self._form = None
            case "select":
                self._select = None
            case "textarea":
                if self._text is not None:
                    self._text.value = self._text.value.removeprefix("\n")
                self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.value += data
        if not (self._silent or self._machine) or self._select is not None:
            self.said.append(data)


class Clicker:
    """Somebody who looks at pages; `page` is the text of the one shown."""

    def __init__(self, client: FlaskClient, language: str) -> None:
        self.client = client
        self.headers = {"Accept": "text/html", "Accept-Language": language}
        self.path, self.page, self.status, self.html = "", "", 0, True
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.said = ""
        self.opened = 0

    def start(self) -> None:
        """Open the start page, the only address that is typed."""
        self._take(self.client.get("/", headers=self.headers, follow_redirects=True))

    def follow(self, link: str) -> None:
        """Follow a link of the page."""
        assert link in self.links, f"{self.path} has no link {link}"
        self._take(self.client.get(urljoin(self.path, link), headers=self.headers, follow_redirects=True))

    def open(self, address: str) -> None:
        """Open what a link led to on a page that was shown before."""
        self._take(self.client.get(address, headers=self.headers, follow_redirects=True))

    def again(self, language: str) -> None:
        """The same page in another language."""
        answer = self.client.get(self.path, headers=self.headers | {"Accept-Language": language})
        self._take(answer)

    def send(self, form: Form, button: tuple[str, str] = ("", "")) -> None:
        """Send a form of the page by one of its buttons."""
        ask = MultiDict([*form.sent(), *([button] if button[0] else [])])
        target = urljoin(self.path, form.action) if form.action else self.path
        if form.method == "get":
            answer = self.client.get(target, query_string=ask, headers=self.headers, follow_redirects=True)
        else:
            answer = self.client.post(target, data=ask, headers=self.headers, follow_redirects=True)
        self._take(answer)

    def _take(self, answer: Any) -> None:
        self.opened += 1
        self.status, self.page, self.html = answer.status_code, answer.text, answer.mimetype == "text/html"
        self.path = (
            answer.request.full_path.rstrip("?") if hasattr(answer.request, "full_path") else answer.request.path
        )
        found = _Page()
        found.feed(answer.text)
        self.links, self.forms = found.links, found.forms
        self.said = re.sub(r"\s+", " ", " ".join(found.said))

    def form(self, action: str, **hidden: str) -> Form | None:
        """The form of the page that goes to an address, with these hidden fields."""
        for one in self.forms:
            if urlsplit(one.action).path == action and all(
                any(control.name == name and control.value == value for control in one.controls)
                for name, value in hidden.items()
            ):
                return one
        return None


def flat(typed: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Values by the names of their controls: rows are numbered, pairs have a key and a value; lists of codes and JSON stay whole."""
    for name, value in typed.items():
        path = f"{before}{name}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from flat({str(number): part for number, part in enumerate(value)}, f"{path}.")
        else:
            yield path, value
