"""The offline verifier finds every change and raises no false alarm (R4, P13)."""

from __future__ import annotations

import ast
import io
import json
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from services.audit import checkpoint, merkle
from shared.following import cloudevents
from shared.log import Commit, Head, NewEvent, Part, records_of
from shared.log.record import place_commit
from tests.audit.ledgers import KEY, ORIGIN, PROGRAM, TIME, VERIFIER, Ledger, make, verify

LEDGER = make()
SIGNED = LEDGER.checkpoint()
SIZE = len(LEDGER.lines)
POSITIONS = range(SIZE)
MODES = pytest.mark.parametrize("fast", [False, True], ids=["full", "fast"])


def refuse(lines: list[bytes], wrong: int, fast: bool = False, signed: bytes = SIGNED) -> VERIFIER.Wrong:
    """The ledger is refused; its hashes name line `wrong` exactly, and the chain gives a range that holds it."""
    content = b"".join(line + b"\n" for line in lines)
    with pytest.raises(VERIFIER.Wrong) as refused:
        verify(content, signed, fast=fast)
    head = VERIFIER.open_checkpoint(signed, KEY.public_key())
    assert VERIFIER.first_wrong_line(io.BytesIO(content), LEDGER.hashes, head) == wrong
    found: VERIFIER.Wrong = refused.value
    first, last = found.lines
    assert first <= last
    if not fast:
        assert first <= wrong <= last, f"{found.reason}: {found.lines}, but it is {wrong}"
    return found


@MODES
def test_the_clean_ledger_holds(fast):
    result = verify(LEDGER.bytes, SIGNED, fast=fast, previous=[LEDGER.checkpoint(size) for size in range(SIZE + 1)])
    assert result["valid"]
    assert result["root"] == LEDGER.root(SIZE).hex()
    assert result["previous"] == list(range(SIZE + 1))
    assert {name: log["events"] for name, log in result["logs"].items()} == {
        "/linli/registry": 6,
        "/linli/issues": 9,
        "/linli/funding/350104": 3,
    }


@MODES
@pytest.mark.parametrize("commits", [0, 1, 3_000])
def test_ledgers_of_any_length_hold(fast, commits):
    ledger = make([("issues", f"issue-{number % 97}", 1 + number % 3 // 2) for number in range(commits)])
    assert verify(ledger.bytes, ledger.checkpoint(), fast=fast)["size"] == len(ledger.lines)


@pytest.mark.parametrize("at", POSITIONS)
def test_every_changed_byte_is_found(at):
    line = LEDGER.lines[at]
    for place in range(len(line)):
        changed = line[:place] + bytes([line[place] ^ (1 + place % 127)]) + line[place + 1 :]
        with pytest.raises(VERIFIER.Wrong) as refused:
            verify(b"".join(text + b"\n" for text in (*LEDGER.lines[:at], changed, *LEDGER.lines[at + 1 :])), SIGNED)
        first, last = refused.value.lines
        assert first <= at + 1 <= last


@MODES
@pytest.mark.parametrize("at", POSITIONS)
def test_a_removed_line_is_found(at, fast):
    refuse(LEDGER.lines[:at] + LEDGER.lines[at + 1 :], at + 1, fast)


@MODES
@pytest.mark.parametrize("at", POSITIONS)
def test_a_duplicated_line_is_found(at, fast):
    found = refuse([*LEDGER.lines[: at + 1], *LEDGER.lines[at:]], at + 2, fast)
    assert found.line == at + 2


@MODES
@pytest.mark.parametrize("at", POSITIONS)
def test_an_inserted_line_is_found(at, fast):
    forged = LEDGER.lines[at].replace(b'"id":"', b'"id":"forged-')
    found = refuse([*LEDGER.lines[:at], forged, *LEDGER.lines[at:]], at + 1, fast)
    assert found.line is not None


@MODES
@pytest.mark.parametrize("at", POSITIONS)
def test_swapped_lines_are_found(at, fast):
    for other in range(at + 1, SIZE):
        lines = list(LEDGER.lines)
        lines[at], lines[other] = lines[other], lines[at]
        refuse(lines, at + 1, fast)


@MODES
@pytest.mark.parametrize("at", POSITIONS)
def test_a_cut_tail_is_found(at, fast):
    found = refuse(LEDGER.lines[:at], at + 1, fast)
    assert found.line == at + 1
    assert f"ends after {at} events" in found.reason


def test_a_file_cut_within_its_last_line_is_found():
    for end in range(len(LEDGER.bytes) - len(LEDGER.lines[-1]), len(LEDGER.bytes)):
        with pytest.raises(VERIFIER.Wrong) as refused:
            verify(LEDGER.bytes[:end], SIGNED)
        assert refused.value.line == SIZE


@MODES
@pytest.mark.parametrize("at", POSITIONS)
def test_an_older_checkpoint_does_not_cover_a_longer_ledger(at, fast):
    with pytest.raises(VERIFIER.Wrong) as refused:
        verify(LEDGER.bytes, LEDGER.checkpoint(at), fast=fast)
    assert refused.value.line == at + 1


@MODES
@pytest.mark.parametrize("at", POSITIONS)
def test_a_history_computed_anew_is_found_by_its_root(at, fast):
    """The chains are right, but another ledger was signed; checkpoints in between narrow the range."""
    forged = make(data={"fen": 1})
    lines = LEDGER.lines[:0] + forged.lines
    older = [LEDGER.checkpoint(0), LEDGER.checkpoint(at + 1)]
    with pytest.raises(VERIFIER.Wrong) as refused:
        verify(b"".join(line + b"\n" for line in lines), SIGNED, fast=fast, previous=older)
    assert refused.value.lines == [1, at + 1]


@MODES
@pytest.mark.parametrize("at", POSITIONS)
def test_a_rewritten_root_is_refused(at, fast):
    """Whether the key signs a wrong root, or somebody without the key writes one into the checkpoint."""
    wrong = sha256(b"%d" % at).digest()
    signed = checkpoint.sign(KEY, ORIGIN, SIZE, wrong, TIME).encode()
    with pytest.raises(VERIFIER.Wrong, match="root over the 18 lines"):
        verify(LEDGER.bytes, signed, fast=fast)
    forged = "\n".join([*signed.decode().split("\n")[:4], *SIGNED.decode().split("\n")[4:]]).encode()
    with pytest.raises(VERIFIER.Wrong, match="signature does not fit"):
        verify(LEDGER.bytes, forged, fast=fast)


@pytest.mark.parametrize("at", range(1, SIZE + 1))
def test_history_rewritten_between_checkpoints_is_found(at):
    rewritten = make(data={"fen": 2})
    with pytest.raises(VERIFIER.Wrong, match=f"does not begin with the {at} events") as refused:
        verify(rewritten.bytes, rewritten.checkpoint(), previous=[LEDGER.checkpoint(at)])
    assert refused.value.lines == [1, at]


def test_a_ledger_that_became_shorter_is_refused():
    shorter = Ledger(LEDGER.lines[:9])
    with pytest.raises(VERIFIER.Wrong, match="history was cut"):
        verify(shorter.bytes, shorter.checkpoint(), previous=[SIGNED])


def test_a_wrong_key_is_refused():
    signed = checkpoint.sign(Ed25519PrivateKey.generate(), ORIGIN, SIZE, LEDGER.root(SIZE), TIME).encode()
    for arguments in ((LEDGER.bytes, signed), (LEDGER.bytes, SIGNED.replace(b"city", b"other"))):
        with pytest.raises(VERIFIER.Wrong, match="not signed by the given key"):
            verify(*arguments)
    other = make([("issues", "issue-1", 1)])
    elsewhere = checkpoint.sign(KEY, "linli.example/other", 1, other.root(1), TIME).encode()
    with pytest.raises(VERIFIER.Wrong, match="older checkpoint is of linli.example/other"):
        verify(LEDGER.bytes, SIGNED, previous=[elsewhere])


def test_every_changed_byte_of_a_checkpoint_is_found():
    for place, byte in enumerate(SIGNED):
        with pytest.raises(VERIFIER.Wrong):
            verify(LEDGER.bytes, SIGNED[:place] + bytes([byte ^ 1]) + SIGNED[place + 1 :])


@pytest.mark.parametrize("at", POSITIONS)
def test_a_signed_ledger_with_a_broken_chain_is_refused(at):
    """Even the holder of the key cannot pass off a log that its service did not write."""
    lines = list(LEDGER.lines)
    lines[at] = lines[at].replace('"actor":"人"'.encode(), '"actor":"口"'.encode())
    forged = Ledger(lines)
    assert verify(forged.bytes, forged.checkpoint(), fast=True)["valid"]
    with pytest.raises(VERIFIER.Wrong, match="digest it states|same commit") as refused:
        verify(forged.bytes, forged.checkpoint())
    assert refused.value.lines[0] <= at + 1 <= refused.value.lines[1]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"b":1,"a":2}', "not canonical"),
        (b'{"a":1,"a":1}', "not canonical"),
        (b'{"a": 1}', "not canonical"),
        (b'{"a":"\\u4eba"}', "not canonical"),
        (b'{"a":"\\/"}', "not canonical"),
        (b'{"a":-0}', "not canonical"),
        (b'{"a":1.5}', "not an integer"),
        (b'{"a":1e3}', "not an integer"),
        (b'{"a":NaN}', "not an integer"),
        (b'{"a":9007199254740992}', "larger than 2"),
        ('{"\ufb33":1,"\U0001f600":2}'.encode(), "not canonical"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a":1}}', "not canonical"),
        (b'{"a":1},{"b":2}', "not canonical"),
        (b"{}", None),
        (b'{"a":9007199254740991}', None),
        ('{"\U0001f600":2,"\ufb33":1}'.encode(), None),
        ('{"a":"\u007f\u2028😀\\u001f\\b"}'.encode(), None),
    ],
    ids=repr,
)
def test_data_must_be_canonical_json(data, reason):
    try:
        VERIFIER.check_canonical([b'{"a":1}', data], 7)
        found = None
    except VERIFIER.Wrong as wrong:
        assert wrong.line == 8
        found = wrong.reason
    assert (found is None) if reason is None else (found is not None and reason in found)


def test_no_text_completes_another():
    """Joined by commas these would be three objects."""
    with pytest.raises(VERIFIER.Wrong, match="not canonical") as refused:
        VERIFIER.check_canonical([b'{"a":[{}', b"{}]}", b"{},{}"], 7)
    assert refused.value.line == 7


@pytest.mark.parametrize("at", POSITIONS)
def test_a_line_is_utf8_everywhere(at):
    changed = LEDGER.lines[at].replace("人".encode(), b"\xe4\xba")
    found = refuse([*LEDGER.lines[:at], changed, *LEDGER.lines[at + 1 :]], at + 1)
    assert (found.line, found.reason) == (at + 1, "the line is not UTF-8")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_any_data_survives(data):
    ledger = make(data=data)
    assert verify(ledger.bytes, ledger.checkpoint())["valid"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"specversion":"1.0"', b'"specversion":"2.0"', "'specversion' must not be \"2.0\""),
        (b'"schema":1', b'"schema":0', "'schema' must not be 0"),
        (b'"schema":1,', b"", "'schema' is missing"),
        (b'"actor":', b'"actress":', "no attribute 'actress'"),
        (b'{"actor"', b'["actor"', "not JSON"),
        (b'"actor":', b'"actor": ', "not canonical"),
        (b"cn.linli.registry.", b"cn.linli.funding.", "cannot come from"),
    ],
)
def test_a_line_in_a_wrong_shape_is_explained(old, new, reason):
    lines = [LEDGER.lines[0].replace(old, new), *LEDGER.lines[1:]]
    with pytest.raises(VERIFIER.Wrong, match=re.escape(reason)) as refused:
        verify(Ledger(lines).bytes, Ledger(lines).checkpoint())
    assert refused.value.line == 1


def test_a_commit_cut_in_two_by_a_checkpoint_is_refused():
    cut = Ledger(LEDGER.lines[:2])
    with pytest.raises(VERIFIER.Wrong, match="last commit of /linli/issues, from line 2, is not complete"):
        verify(cut.bytes, cut.checkpoint())


@MODES
def test_the_path_of_an_event_leads_to_the_root(fast):
    ledger = make([("issues", f"issue-{number % 97}", 1) for number in range(2_500)])
    signed, root = ledger.checkpoint(), ledger.root(2_500)
    for index in (0, 1, 1023, 1024, 2047, 2048, 2498, 2499):
        event = verify(ledger.bytes, signed, fast=fast, event=f"e-{index}-0")["event"]
        assert event["index"] == index
        path = [bytes.fromhex(sibling) for sibling in event["path"]]
        merkle.verify_inclusion(bytes.fromhex(event["leaf"]), index, 2_500, path, root)
    with pytest.raises(VERIFIER.Wrong, match="no event e-9999-0"):
        verify(ledger.bytes, signed, fast=fast, event="e-9999-0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(PROGRAM, tmp_path)
    (tmp_path / "ledger.jsonl").write_bytes(LEDGER.bytes)
    (tmp_path / "checkpoint").write_bytes(SIGNED)
    (tmp_path / "older").write_bytes(LEDGER.checkpoint(7))
    (tmp_path / "hashes").write_bytes(LEDGER.hashes)
    (tmp_path / "public.pem").write_bytes(checkpoint.public_pem(KEY))
    return tmp_path


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The program as an auditor calls it: a copy, in a folder of its own, by an isolated interpreter."""
    command = [sys.executable, "-I", PROGRAM.name, "ledger.jsonl", "checkpoint", "public.pem", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_the_program_stands_alone(folder):
    modules = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(PROGRAM.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names | {"cryptography"}
    done = run(folder, "--previous", "older", "--event", "e-3-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "HOLDS: linli.example/city-ledger, 18 events" in done.stdout
    assert "begins with the 7 events of the older checkpoint" in done.stdout
    assert "event e-3-1 is leaf 5 (line 6)" in done.stdout


def test_the_program_names_the_first_wrong_line(folder):
    lines = list(LEDGER.lines)
    lines[0], lines[1] = lines[1], lines[0]  # of different logs: only the root and the hashes tell
    (folder / "ledger.jsonl").write_bytes(Ledger(lines).bytes)
    done = run(folder, "--json", "--hashes", "hashes")
    result = json.loads(done.stdout)
    assert (done.returncode, result["valid"], result["lines"], result["exact"]) == (1, False, [1, 18], 1)
    del lines[9]
    (folder / "ledger.jsonl").write_bytes(Ledger(lines).bytes)
    done = run(folder)
    assert done.returncode == 1
    assert done.stdout.startswith("WRONG at line ")


def test_the_program_says_what_it_cannot_read(folder):
    (folder / "public.pem").write_text("nothing")
    done = run(folder)
    assert (done.returncode, "no public key" in done.stdout) == (1, True)
    (folder / "ledger.jsonl").unlink()
    done = run(folder)
    assert (done.returncode, done.stderr) == (2, "cannot read ledger.jsonl: No such file or directory\n")


def over_several_streams():
    """A ledger of one log, the fourth commit of which writes to three streams and relied on two others."""
    head, lines = Head(), []
    for number, (stream, more) in enumerate(
        [
            ("a", {}),
            ('路"', {}),
            ("b", {}),
            ("b", {"also": (part("c", 0, 2), part("a", 1, 1, "350105")), "held": {'路"': 1, "d": 0}}),
            ("c", {"content": ("0123456789abcdef",)}),
        ]
    ):
        version = {3: 1, 4: 2}.get(number, 0)
        own = part(stream, version, 2 if number == 3 else 1)
        commit = Commit(
            stream=stream,
            expected_version=version,
            events=own.events,
            command="do",
            command_id=f"{number}",
            actor="人",
            **more,
        )
        stored = place_commit(commit, head, version, TIME)
        head = Head(stored.last_position, stored.digest, TIME)
        lines += [cloudevents.line("issues", record) for record in records_of(stored)]
    return Ledger(lines)


def part(stream, version, count, place=""):
    events = tuple(
        NewEvent(type="LampRepaired", schema=1, data=msgspec.Raw(b"{}"), id=f"{stream}-{version + n}", occurred=TIME)
        for n in range(count)
    )
    return Part(stream=stream, expected_version=version, events=events, place=place)


@MODES
def test_a_commit_over_several_streams_is_written_again_as_it_was_hashed(fast):
    ledger = over_several_streams()
    assert verify(ledger.bytes, ledger.checkpoint(), fast=fast)["valid"]
    assert [b'"held"' in line for line in ledger.lines] == [number == 3 for number in range(9)]


@pytest.mark.parametrize(
    ("line", "old", "new", "reason"),
    [
        (
            3,
            rb'"held":"{\"d\":0,',
            rb'"held":"{\"d\":1,',
            "relies on d at version 1, which was at 0",
        ),
        (3, rb'\":1}"', rb'\":2}"', "at version 2, which was at 1"),
        (3, rb'"held":"{\"d\":0,', rb'"held":"{', "has not the digest it states"),
        (3, rb'"held":"{', rb'"held":"', "what it relied on cannot be read"),
        (4, b'"id"', rb'"held":"{}","id"', "only the first event of a commit says what it relied on"),
        (5, b'"subject":"c"', b'"subject":"b"', "version 4 of its stream should follow, not 1"),
        (7, b'"place":"350105"', b'"place":"350106"', "has not the digest it states"),
        (8, b'"content":"01', b'"content":"02', "has not the digest it states"),
        (8, b'"content":"0123456789abcdef",', b"", "has not the digest it states"),
        (6, b'"position"', b'"place":"1","position"', "differs from the events of the same commit"),
    ],
)
def test_what_is_changed_in_a_commit_over_several_streams_is_found(line, old, new, reason):
    ledger = over_several_streams()
    assert old in ledger.lines[line]
    ledger.lines[line] = ledger.lines[line].replace(old, new)
    with pytest.raises(VERIFIER.Wrong, match=reason):
        verify(ledger.bytes, ledger.checkpoint())


@pytest.mark.parametrize("garbage", [b"\xff\xfe\n", b"{}\n", b"[]\n", b"null\n", b"7\n", b'{"leaf":2}\n', b'{"leaf":2,"digests":7}\n',
                                     b'{"leaf":2,"digests":{"actor":1},"data":[]}\n', b'{"leafhash":"\xff"}\n', b"[" * 5000 + b"\n",
                                     b'{"leaf":2,"source":"/linli/a","position":"x","digests":{},"data":{}}\n'])  # fmt: skip
def test_nothing_that_is_read_ends_in_a_traceback(
    garbage: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed or not, whole or not: a sentence and an exit code."""
    ledger = Ledger([garbage[:-1]])
    files = {
        "ledger.jsonl": garbage,
        "checkpoint": ledger.checkpoint(),
        "key.pem": checkpoint.public_pem(KEY),
        "beside": garbage,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in ("ledger.jsonl", "checkpoint", "key.pem")]
    for options in ([], ["--fast"], ["--disclosures", str(tmp_path / "beside")], ["--event", "x"], ["--json"]):
        assert VERIFIER.main([*paths, *options]) == 1
    for name in files:
        (tmp_path / "other").write_bytes(b"\xff\x00" + garbage)
        wrong = [path if not path.endswith(name) else str(tmp_path / "other") for path in paths]
        assert VERIFIER.main(wrong) == 1
    assert VERIFIER.main([paths[0], paths[1], str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().out
