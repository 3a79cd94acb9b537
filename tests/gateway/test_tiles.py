"""A reader that knows only the published formats follows the ledger: note, tiles, entries (C2SP tlog-checkpoint and tlog-tiles)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.gateway.tiles import written
from shared.following.context import CallContext
from tests.audit.ledgers import forge
from tests.audit.published import key_id, tree_hash
from tests.kit.city import document
from tests.kit.town import Town

OPERATOR = CallContext(kind="operator", actor="operator")
PROFILE = document(
    profile_id="tiles",
    city="榕江区",
    levels=[{"code": "compound", "zh": "小区", "en": "Compound"}],
    roles=[{"code": "keeper", "zh": "管理员", "en": "Keeper"}],
    powers={"keeper": ["bench.*"]},
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A small city with some hundred entries."""
    town = Town(tmp_path_factory.mktemp("town"), ("registry", "audit"))
    for number in range(560):
        place = {"place": f"{350000 + number}", "kind": "district", "name": f"{number} 区", "parent": ""}
        if number == 0:
            town.call("registry", "adopt_profile", OPERATOR, PROFILE)
        town.call("registry", "register_place", OPERATOR, place)
    yield town
    town.close()


@pytest.fixture(scope="module")
def get(town: Town) -> Any:
    client = town.app.test_client()

    def get(path: str, status: int = 200) -> Any:
        answer = client.get(f"/city-ledger{path}")
        assert answer.status_code == status, (path, answer.status_code, answer.text[:200])
        return answer

    return get


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def over(hashes: list[bytes]) -> bytes:
    """The hash over a full tile."""
    while len(hashes) > 1:
        hashes = [node(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def test_root_entries_and_signature_belong_together(town: Town, get: Any) -> None:
    town.call("audit", "get_checkpoint", CallContext(kind="anonymous", actor=""), {})  # it signs what there is
    answer = get("/checkpoint")
    assert answer.content_type == "text/plain; charset=utf-8" and answer.headers["Cache-Control"] == "no-cache"
    body, _, signatures = answer.text.rpartition("\n\n")
    origin, count, root = body.split("\n")  # three lines, no more
    size = int(count)
    assert size > 2 * 256
    public = Ed25519PublicKey.from_public_bytes(town.ledger_key.public_key().public_bytes_raw())
    dash, name, content = signatures[:-1].split(" ")
    raw = b64decode(content)
    assert (dash, name) == ("—", origin) and raw[:4] == key_id(origin, 1, public.public_bytes_raw())
    public.verify(raw[4:], body.encode() + b"\n")

    leaves: list[bytes] = []
    hashes: list[bytes] = []
    for number in range(-(-size // 256)):
        width = min(256, size - 256 * number)
        part = "" if width == 256 else f".p/{width}"
        bundle, tile = get(f"/tile/entries/{number:03d}{part}"), get(f"/tile/0/{number:03d}{part}")
        for one in (bundle, tile):
            assert one.content_type == "application/octet-stream" and "immutable" in one.headers["Cache-Control"]
        rest = bundle.data
        while rest:
            length = int.from_bytes(rest[:2], "big")
            leaves.append(rest[2 : 2 + length])
            rest = rest[2 + length :]
        hashes += [tile.data[at : at + 32] for at in range(0, len(tile.data), 32)]
    assert hashes == [sha256(b"\x00" + leaf).digest() for leaf in leaves] and len(leaves) == size
    assert tree_hash(leaves) == b64decode(root)
    full = size // 256
    upper = get(f"/tile/1/000.p/{full}").data
    assert upper == b"".join(over(hashes[256 * at : 256 * at + 256]) for at in range(full))


@pytest.mark.parametrize(
    "path",
    [
        "/tile/0/001.p/0",
        "/tile/0/001.p/256",
        "/tile/0/001.p/01",
        "/tile/0/1",
        "/tile/0/x000/001",
        "/tile/0/9999",
        "/tile/00/000",
        "/tile/64/000",
        "/tile/8/000",
        "/tile/-1/000",
        "/tile/0/000.p/",
        "/tile/0/x999/x999/x999/x999/999",
        "/tile/0/004",
        "/tile/1/000",
        "/tile/entries/004",
        "/tile/entries/abc",
        "/tile",
    ],
)
def test_what_is_no_tile_is_not_found(get: Any, path: str) -> None:
    assert get(path, 404).content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("index", "path"), [(0, "000"), (999, "999"), (1000, "x001/000"), (1_234_067, "x001/x234/067")]
)
def test_numbers_are_written_as_published(index: int, path: str) -> None:
    assert written(index) == path


def test_entries_from_before_are_not_given(tmp_path: Path) -> None:
    """They hold what is not public; their hashes stay, as those of a log that prunes its beginning."""
    town = Town(tmp_path, ("registry", "audit"))
    town.call("registry", "adopt_profile", OPERATOR, PROFILE)
    town.call("registry", "register_place", OPERATOR, {"place": "35", "kind": "district", "name": "区", "parent": ""})
    views: Any = town.places["audit"].node.views
    row = views.get("entries", f"{0:012d}")
    forge(views, {("entries", row["key"]): row | {"line": '{"id":"old"}'}})
    client = town.app.test_client()
    assert client.get("/city-ledger/tile/entries/000.p/2").status_code == 410
    assert client.get("/city-ledger/tile/0/000.p/2").status_code == 200
    town.close()
