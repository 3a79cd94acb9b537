"""Somebody who follows every link of every page that they come to; of pages of one shape only some."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from tests.kit.clicking import Clicker

#: Parts of addresses that name one thing among its like: ids with a digit, and places.
_NAMED = re.compile(r"^(?=.*\d)[\w.-]+$")
#: Addresses that lead away from the pages, or to the same one in another language.
_APART = ("/language/", "/api/", "/static/")


def shape(address: str) -> str:
    """What pages of one kind have in common: the path without ids, and the names of what is asked for."""
    parts = urlsplit(address)
    path = "/".join("#" if _NAMED.match(part) else part for part in parts.path.split("/"))
    return f"{path}?{'&'.join(sorted(pair.partition('=')[0] for pair in parts.query.split('&')))}"


def crawl(clicker: Clicker, most: int = 2) -> Iterator[str]:
    """Open what every link leads to from the start page on, at most so many pages of a shape; yields where each link stood.

    The clicker shows the page when its address is yielded.
    """
    clicker.start()
    opened: Counter[str] = Counter()
    seen: set[str] = {"/"}
    waiting: list[tuple[str, str]] = []

    def found() -> None:
        for link in clicker.links:
            target = urlsplit(urljoin(clicker.path, link))
            address = target.path + (f"?{target.query}" if target.query else "")
            if target.netloc or address in seen or target.path.startswith(_APART):
                continue
            seen.add(address)
            waiting.append((address, clicker.path))

    yield ""
    found()
    while waiting:
        address, came = waiting.pop(0)
        if opened[shape(address)] >= most:
            continue
        opened[shape(address)] += 1
        clicker.open(address)
        yield came
        found()
