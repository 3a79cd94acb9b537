"""The city ledger for public tools: checkpoint, tiles and entries as C2SP tlog-tiles serves them, under `/city-ledger`.

Whoever has the prefix and the ledger's key needs no program of ours: any client of tiled logs follows the ledger, makes its own proofs,
and compares what it gets with what others got.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Blueprint, Response, abort

from services.gateway.session import Gateway
from shared.domain.errors import IllegalStateError, NotFoundError

#: The part of the ledger's name behind the city's: the name is the address without its scheme.
PREFIX = "/city-ledger"
#: Hashes in a full tile, and bytes of the longest entry that a bundle can hold.
WIDTH, LONGEST = 256, 0xFFFF
_LEVEL = re.compile(r"[0-9]|[1-5][0-9]|6[0-3]")
#: The number of a tile in groups of three digits, and how much of it there is.
_NUMBER = re.compile(r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?")
#: The checkpoint changes with every fact; what lies below it never does.
_SOON, _NEVER = "no-cache", "public, max-age=31536000, immutable"


def create_tiles(gateway: Gateway) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("tiles", __name__, url_prefix=PREFIX)
    pages = _Tiles(gateway)
    blueprint.add_url_rule("/checkpoint", "checkpoint", pages.checkpoint)
    blueprint.add_url_rule("/tile/entries/<path:number>", "entries", pages.entries)
    blueprint.add_url_rule("/tile/<level>/<path:number>", "tile", pages.tile)
    return blueprint


class _Tiles:
    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def checkpoint(self) -> Response:
        text = self.gateway.ask("audit", "get_cosigned")["checkpoint"]
        return _answer(text.encode(), "text/plain; charset=utf-8", _SOON)

    def tile(self, level: str, number: str) -> Response:
        if not _LEVEL.fullmatch(level):
            abort(404)
        if int(level) > 7:  # a ledger so large is none of this world
            abort(404)
        ask = self._asked(number)
        return self._found(
            lambda: bytes.fromhex(self.gateway.ask("audit", "get_tile", level=int(level), **ask)["hashes"])
        )

    def entries(self, number: str) -> Response:
        ask = self._asked(number)
        return self._found(lambda: _bundle(self.gateway.ask("audit", "get_entries", **ask)["lines"]))

    @staticmethod
    def _asked(number: str) -> dict[str, int]:
        found = _NUMBER.fullmatch(number)
        if found is None:
            abort(404)
        index = int(found[1].replace("x", "").replace("/", ""))
        if index > 2**40 or found[1] != written(index):
            abort(404)
        return {"index": index, "width": int(found[2] or WIDTH)}

    @staticmethod
    def _found(content: Callable[[], bytes]) -> Response:
        try:
            return _answer(content(), "application/octet-stream", _NEVER)
        except NotFoundError:
            abort(404)
        except (
            IllegalStateError
        ):  # from before, when lines held what is not public: left out as a pruned log leaves out its beginning
            abort(410)


def written(index: int) -> str:
    """The number of a tile as it stands in an address: 1234067 is x001/x234/067."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def _bundle(lines: list[str]) -> bytes:
    entries = [line.encode() for line in lines]
    if max(map(len, entries)) > LONGEST:
        raise IllegalStateError("an entry is longer than a bundle can hold")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def _answer(content: bytes, kind: str, caching: str) -> Response:
    return Response(content, content_type=kind, headers={"Cache-Control": caching})
