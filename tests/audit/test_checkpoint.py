"""Signed checkpoints: what was signed comes back, and nothing else passes."""

from __future__ import annotations

import stat
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import BadInputError, CorruptionError
from shared.ledger import checkpoint

ORIGIN = "linli.example/city-ledger"
ROOT = sha256(b"root").digest()
TIME = "2026-01-01T00:00:00Z"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TEXT = checkpoint.sign(KEY, ORIGIN, 1_000_000, ROOT)


def as_before(size: int, *lines: str) -> str:
    """A checkpoint with further lines: former versions wrote the time."""
    body = "".join(f"{line}\n" for line in (ORIGIN, size, b64encode(ROOT).decode(), *lines))
    return checkpoint.sign_note(body, ORIGIN, KEY)


def test_a_checkpoint_has_the_published_form():
    lines = TEXT.split("\n")
    assert lines[:4] == [ORIGIN, "1000000", b64encode(ROOT).decode(), ""]
    dash, name, signature = lines[4].split(" ")
    public = KEY.public_key()
    expected_id = sha256(ORIGIN.encode() + b"\n\x01" + public.public_bytes_raw()).digest()[:4]
    assert (dash, name, b64decode(signature)[:4]) == ("—", ORIGIN, expected_id)
    public.verify(b64decode(signature)[4:], "\n".join(lines[:3]).encode() + b"\n")
    assert lines[5:] == [""]


def test_checkpoints_of_former_versions_are_read():
    opened = checkpoint.open_checkpoint(as_before(7, f"time {TIME}"), KEY.public_key(), ORIGIN)
    assert (opened.size, opened.time, opened.extensions) == (7, TIME, ())


def test_the_published_example_of_signed_notes_has_its_key_id():
    """The verifier key PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW of the Go note package."""
    raw = b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    public = checkpoint.Ed25519PublicKey.from_public_bytes(raw[1:])
    word = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert checkpoint.vkey("PeterNeumann", public) == word
    name, read = checkpoint.read_vkey(word)
    assert (name, read.public_bytes_raw()) == ("PeterNeumann", public.public_bytes_raw())
    for wrong in (word.replace("c74f", "c74e"), word[:-4], word.replace("+", " "), "PeterNeumann", ""):
        with pytest.raises(BadInputError, match="no verifier key"):
            checkpoint.read_vkey(wrong)
    assert checkpoint.key_id("PeterNeumann", public).hex() == "c74f20a3"
    note = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=",
    )
    signature = b64decode(note[1])
    assert signature[:4].hex() == "c74f20a3"
    public.verify(signature[4:], note[0].encode())
    whole = f"{note[0]}\n— PeterNeumann {note[1]}\n"
    assert checkpoint.check_note(whole, "PeterNeumann", [public]) == note[0]


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_what_was_signed_comes_back(size, root):
    text = checkpoint.sign(KEY, ORIGIN, size, root)
    opened = checkpoint.open_checkpoint(text, KEY.public_key(), ORIGIN)
    assert opened == checkpoint.Checkpoint(origin=ORIGIN, size=size, root=root)


def test_signatures_of_witnesses_are_passed_over():
    witness = f"— witness.example {b64encode(bytes(68)).decode()}\n"
    body, _, ours = TEXT.rpartition("\n\n")
    for text in (TEXT + witness, f"{body}\n\n{witness}{ours}"):
        assert checkpoint.open_checkpoint(text, KEY.public_key()).size == 1_000_000
    with pytest.raises(CorruptionError, match="no signature"):
        checkpoint.open_checkpoint(f"{body}\n\n{witness}", KEY.public_key())


def test_other_signed_lines_are_kept():
    opened = checkpoint.open_checkpoint(as_before(7, "note something"), KEY.public_key())
    assert (opened.size, opened.time, opened.extensions) == (7, "", ("note something",))


def test_every_changed_character_is_found():
    for at, character in enumerate(TEXT):
        for other in {"0", "A", "\n", ""} - {character}:
            with pytest.raises((BadInputError, CorruptionError)):
                checkpoint.open_checkpoint(TEXT[:at] + other + TEXT[at + 1 :], KEY.public_key())


@given(st.text(max_size=300))
def test_any_text_gets_a_clear_error(text):
    with pytest.raises((BadInputError, CorruptionError)):
        checkpoint.open_checkpoint(text, KEY.public_key())


def test_another_key_or_ledger_is_refused():
    with pytest.raises(CorruptionError, match="no signature"):
        checkpoint.open_checkpoint(TEXT, Ed25519PrivateKey.generate().public_key())
    with pytest.raises(CorruptionError, match="not of linli.example/other"):
        checkpoint.open_checkpoint(TEXT, KEY.public_key(), "linli.example/other")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("origin", {"origin": "two words"}),
        ("origin", {"origin": "a+b"}),
        ("origin", {"origin": ""}),
        ("size", {"size": -1}),
        ("root", {"root": b"short"}),
    ],
)
def test_what_cannot_be_signed_is_named(field, values):
    with pytest.raises(BadInputError) as refused:
        checkpoint.sign(KEY, **({"origin": ORIGIN, "size": 1, "root": ROOT} | values))
    assert list(refused.value.fields) == [field]


def test_a_key_file_is_for_its_owner_only(tmp_path):
    path = tmp_path / "key.pem"
    created = checkpoint.create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert checkpoint.load_key(path).private_bytes_raw() == created.private_bytes_raw()
    public = checkpoint.load_public_key(checkpoint.public_pem(created))
    assert public.public_bytes_raw() == created.public_key().public_bytes_raw()
    with pytest.raises(FileExistsError):
        checkpoint.create_key(path)
    path.chmod(0o644)
    with pytest.raises(BadInputError, match="0644"):
        checkpoint.load_key(path)


def test_a_file_that_is_no_key_is_named(tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(b"nothing")
    path.chmod(0o600)
    with pytest.raises(BadInputError, match="no private key"):
        checkpoint.load_key(path)
    with pytest.raises(BadInputError, match="no public key"):
        checkpoint.load_public_key(b"nothing")
