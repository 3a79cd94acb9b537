"""A witness cosigns what goes on from what it has seen, and refuses the rest with the published status (C2SP tlog-witness)."""

from __future__ import annotations

import sqlite3
import stat
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.witness.server import create_app
from services.witness.witness import SIZE, Witness
from shared.domain.errors import BadInputError, NotFoundError
from shared.ledger.checkpoint import COSIGNATURE, read_vkey, vkey
from shared.ledger.cosignature import cosigned_by
from tests.audit.published import body, checkpoint, key_id, request, tree_hash

ORIGIN, NAME = "linli.example/city-ledger", "court.example/witness"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LEAVES = [f"entry {number}".encode() for number in range(300)]
NOW = 1_700_000_000


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    found = Witness(tmp_path / "court", NAME, [vkey(ORIGIN, KEY.public_key())], lambda: NOW)
    yield found
    found.close()


def give(witness: Witness, old: int, size: int, leaves: list[bytes] = LEAVES, key: Ed25519PrivateKey = KEY) -> Any:
    return witness.add_checkpoint(request(old, leaves[:size], checkpoint(ORIGIN, leaves[:size], key)))


def test_a_growing_ledger_is_cosigned(witness: Witness) -> None:
    """Signature, key id and message are computed here as the specification says them."""
    public = read_vkey(witness.vkey, COSIGNATURE)[1]
    old = 0
    for size in (1, 2, 7, 64, 65, 255, 256, 300):
        answer = give(witness, old, size)
        assert (answer.status, answer.body[-1]) == (200, "\n"), answer
        dash, name, content = answer.body[:-1].split(" ")
        raw = b64decode(content)
        assert (dash, name, raw[:4]) == ("—", NAME, key_id(NAME, 4, public.public_bytes_raw()))
        assert int.from_bytes(raw[4:12], "big") == NOW and len(raw) == 4 + 8 + 64
        text = body(ORIGIN, size, tree_hash(LEAVES[:size]))
        public.verify(raw[12:], f"cosignature/v1\ntime {NOW}\n{text}".encode())
        whole = checkpoint(ORIGIN, LEAVES[:size], KEY) + answer.body
        assert cosigned_by(whole, {NAME: public}) == {NAME: NOW}
        old = size
    assert give(witness, 300, 300).status == 200, "the same once more, with a later time"


def test_a_size_that_it_has_not_seen_is_told(witness: Witness) -> None:
    assert give(witness, 0, 10).status == 200
    for old, size in ((0, 20), (5, 20), (11, 20)):
        answer = give(witness, old, size)
        assert (answer.status, answer.kind, answer.body) == (409, SIZE, "10\n")
    assert give(witness, 10, 20).status == 200


def test_a_ledger_that_was_rewritten_or_cut_is_refused(witness: Witness) -> None:
    assert give(witness, 0, 100).status == 200
    other = [*LEAVES[:50], b"another", *LEAVES[51:]]
    assert give(witness, 100, 200, other).status == 422, "a history with another entry"
    assert give(witness, 100, 100, other).status == 409, "two ledgers of one size: a split view"
    answer = give(witness, 50, 60)
    assert (answer.status, answer.body) == (409, "100\n"), "a rollback"
    assert witness.add_checkpoint(f"old 100\n\n{checkpoint(ORIGIN, LEAVES[:90], KEY)}".encode()).status == 400
    assert give(witness, 100, 200).status == 200, "and the true one goes on"


def test_a_second_view_that_grew_apart_finds_no_way_back(witness: Witness) -> None:
    fork = [*LEAVES[:100], *(b"fork " + leaf for leaf in LEAVES[100:])]
    assert give(witness, 0, 120).status == 200
    for size in (120, 121, 300):
        assert give(witness, 120, size, fork).status in (409, 422)


def test_a_proof_must_be_the_one_that_is_asked_for(witness: Witness) -> None:
    text = checkpoint(ORIGIN, LEAVES[:20], KEY)
    some = b64encode(bytes(32)).decode()
    assert witness.add_checkpoint(f"old 0\n{some}\n\n{text}".encode()).status == 422
    assert give(witness, 0, 10).status == 200
    assert witness.add_checkpoint(f"old 10\n\n{text}".encode()).status == 422
    assert witness.add_checkpoint(f"old 10\n{some}\n\n{text}".encode()).status == 422
    assert give(witness, 10, 20).status == 200


def test_unknown_ledgers_and_keys_are_refused(witness: Witness) -> None:
    elsewhere = checkpoint("other.example/ledger", LEAVES[:3], KEY)
    assert witness.add_checkpoint(request(0, LEAVES[:3], elsewhere)).status == 404
    assert give(witness, 0, 3, key=Ed25519PrivateKey.generate()).status == 403
    forged = checkpoint(ORIGIN, LEAVES[:3], KEY).replace("\n3\n", "\n4\n")
    assert witness.add_checkpoint(request(0, LEAVES[:3], forged)).status == 403


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"old\n\n",
        b"old 01\n\nx",
        b"old -1\n\nx",
        b"new 1\n\nx",
        b"\xff\xfe",
        b"old 0\nno base64\n\n" + checkpoint(ORIGIN, LEAVES[:1], KEY).encode(),
        b"old 0\n\nnothing signed\n",
        ("old 0\n" + (b64encode(bytes(32)).decode() + "\n") * 64 + "\n" + checkpoint(ORIGIN, LEAVES[:1], KEY)).encode(),
    ],
)
def test_what_is_no_request_is_refused(witness: Witness, text: bytes) -> None:
    assert witness.add_checkpoint(text).status == 400
    assert witness.seen(ORIGIN) is None


def test_it_remembers_over_a_restart(tmp_path: Path) -> None:
    words = [vkey(ORIGIN, KEY.public_key())]
    first = Witness(tmp_path / "court", NAME, words)
    assert give(first, 0, 10).status == 200
    first.close()
    again = Witness(tmp_path / "court", NAME, words)
    assert again.vkey == first.vkey
    assert give(again, 0, 5).body == "10\n"
    assert stat.S_IMODE((tmp_path / "court" / "witness.pem").stat().st_mode) == 0o600
    assert give(again, 10, 11).status == 200
    again.close()
    with sqlite3.connect(tmp_path / "court" / "witness.sqlite") as file:
        for act in ("DELETE FROM cosigned", "UPDATE cosigned SET size = 1"):
            with pytest.raises(sqlite3.IntegrityError, match="only appended to"):
                file.execute(act)
        assert file.execute("SELECT size FROM cosigned ORDER BY number").fetchall() == [(10,), (11,)]


def test_a_key_that_the_old_one_named_is_told_to_the_witness(tmp_path: Path) -> None:
    following = Ed25519PrivateKey.generate()
    words = [vkey(ORIGIN, key.public_key()) for key in (KEY, following)]
    witness = Witness(tmp_path / "court", NAME, words)
    assert give(witness, 0, 10).status == 200
    assert give(witness, 10, 20, key=following).status == 200
    witness.close()


def test_its_office_may_begin_anew_and_the_reason_is_kept(witness: Witness) -> None:
    with pytest.raises(NotFoundError):
        witness.forget(ORIGIN, "nothing yet")
    assert give(witness, 0, 100).status == 200
    witness.forget(ORIGIN, "restored to Monday, told by the city's letter 12")
    assert give(witness, 0, 50).status == 200
    assert "\n50\n" in witness.shown() and witness.shown().startswith(witness.vkey)


def test_names_and_keys_that_no_note_can_carry_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        Witness(tmp_path / "a", "two words", [])
    with pytest.raises(BadInputError):
        Witness(tmp_path / "b", NAME, ["no key"])


def test_over_http_it_answers_as_published(witness: Witness) -> None:
    client = create_app(witness).test_client()
    text = checkpoint(ORIGIN, LEAVES[:3], KEY)
    answer = client.post("/add-checkpoint", data=request(0, LEAVES[:3], text))
    assert (answer.status_code, answer.text[:2]) == (200, "— ")
    answer = client.post("/add-checkpoint", data=request(0, LEAVES[:3], text))
    assert (answer.status_code, answer.content_type, answer.text) == (409, SIZE, "3\n")
    assert client.post("/add-checkpoint", data=b"x" * 200_000).status_code in (400, 413)
    assert client.get("/add-checkpoint").status_code == 405
    assert client.get("/").text.startswith(witness.vkey)


def test_a_published_cosignature_is_read() -> None:
    """A line that another program made is checked byte by byte: key id, time and message (computed here with the library only)."""
    private = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    public: Ed25519PublicKey = private.public_key()
    text = checkpoint(ORIGIN, LEAVES[:9], KEY)
    note = text.rpartition("\n\n")[0] + "\n"
    raw = key_id(NAME, 4, public.public_bytes_raw()) + (7).to_bytes(8, "big")
    raw += private.sign(b"cosignature/v1\ntime 7\n" + note.encode())
    assert cosigned_by(f"{text}— {NAME} {b64encode(raw).decode()}\n", {NAME: public}) == {NAME: 7}
