"""The table of OWASP's requirements is whole, its sums are right, and the tests that it names are there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \|(.*?)\|(.*?)\|(.*?)\|(.*)\|$", re.MULTILINE)
ROWS = [tuple(part.strip() for part in row) for row in _ROW.findall(PAGE)]
#: How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has.
SECTIONS = {
    "1.1": 2,
    "1.2": 9,
    "1.3": 11,
    "1.4": 3,
    "1.5": 2,
    "2.1": 3,
    "2.2": 3,
    "2.3": 4,
    "2.4": 1,
    "3.2": 2,
    "3.3": 4,
    "3.4": 6,
    "3.5": 5,
    "3.7": 2,
    "4.1": 3,
    "4.2": 1,
    "4.3": 2,
    "4.4": 4,
    "5.1": 1,
    "5.2": 3,
    "5.3": 2,
    "5.4": 3,
    "6.1": 3,
    "6.2": 12,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 1,
    "8.4": 1,
    "9.1": 3,
    "9.2": 4,
    "10.1": 2,
    "10.2": 2,
    "10.3": 4,
    "10.4": 11,
    "10.5": 5,
    "10.6": 2,
    "10.7": 3,
    "11.1": 2,
    "11.2": 3,
    "11.3": 3,
    "11.4": 4,
    "11.5": 1,
    "11.6": 1,
    "12.1": 3,
    "12.2": 2,
    "12.3": 4,
    "13.1": 1,
    "13.2": 5,
    "13.3": 2,
    "13.4": 5,
    "14.1": 2,
    "14.2": 4,
    "14.3": 3,
    "15.1": 3,
    "15.2": 3,
    "15.3": 7,
    "16.1": 1,
    "16.2": 5,
    "16.3": 4,
    "16.4": 3,
    "16.5": 3,
    "17.1": 1,
    "17.2": 4,
    "17.3": 2,
}


def test_every_requirement_has_one_row() -> None:
    ids = [row[0] for row in ROWS]
    assert len(ids) == len(set(ids))
    assert Counter(id.rpartition(".")[0] for id in ids) == SECTIONS


def test_each_row_says_how_it_stands_and_why() -> None:
    for id, level, short, state, why in ROWS:
        assert level in ("1", "2") and short and why, id
        assert state in ("met", "open", "not applicable"), id
    found = Counter(row[3] for row in ROWS)
    told = re.search(r"(\d+) requirements: (\d+) met, (\d+) not applicable, (\d+) open", PAGE)
    assert told is not None
    assert [int(number) for number in told.groups()] == [
        *(len(ROWS), found["met"], found["not applicable"], found["open"])
    ]


def test_the_tests_that_are_named_are_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 50 and named - {*_tests()} == set()


def _tests() -> dict[str, list[Path]]:
    """Each test, and each file of tests, with where it is."""
    found: dict[str, list[Path]] = {}
    for path in (ROOT / "tests").rglob("*.py"):
        for name in (path.stem, *re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)):
            found.setdefault(name, []).append(path)
    return found


def test_each_attack_names_tests_that_are_there_and_run_in_the_shapes_that_it_says() -> None:
    """The first test of `both` attacks whole cities of either shape, or takes each kind of store."""
    page = (ROOT / "docs" / "attacks.md").read_text()
    rows = re.findall(r"^\| (?!tried)(.+?) \| (.+?) \| (`test_.+?`) \| (.+?) \|$", page, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| (?!tried)", page, re.MULTILINE)) >= 40
    there = _tests()
    for tried, right, tests, shapes in rows:
        named = re.findall(r"`(test_\w+)`", tests)
        assert right and named and set(named) <= there.keys(), (tried, set(named) - there.keys())
        assert shapes in ("both", "same code", "each its own", "SQLite"), tried
        places = {path.relative_to(ROOT / "tests").parts[0] for path in there[named[0]]}
        assert shapes != "both" or places <= {"attacks", "contract"}, tried
        assert shapes != "each its own" or any("_databases_" in name for name in named), tried


def test_limits_are_those_of_the_code() -> None:
    row = re.compile(r"^\| [^|]+ \| ([\d,]+)(?: \w+)? \| `([\w.]+):([A-Z_]+)(?:\[(\w+)\])?` \|$", re.MULTILINE)
    rows = row.findall(PAGE)
    assert len(rows) == 27
    for told, module, name, key in rows:
        value = getattr(import_module(module), name)
        assert (value[key] if key else value) == int(told.replace(",", "")), f"{module}:{name} {key}"


#: Modules of cryptographic functions, and names of theirs that compute nothing.
CRYPTOGRAPHY = {"argon2", "cryptography", "hashlib", "hmac", "itsdangerous", "pyotp", "random", "secrets", "ssl"}
HELPERS = {
    "BadSignature",
    "Encoding",
    "InvalidToken",
    "NoEncryption",
    "PrivateFormat",
    "PublicFormat",
    "SSLError",
    "SignatureExpired",
}
HELPERS |= {
    "CERT_NONE",
    "CERT_REQUIRED",
    "PROTOCOL_TLS_CLIENT",
    "PROTOCOL_TLS_SERVER",
    "TLSVersion",
    "cert_time_to_seconds",
    "utils",
}


def _uses() -> dict[str, set[str]]:
    """Each cryptographic function that the program calls, with the folders or files that do."""
    found: dict[str, set[str]] = {}
    for path in (path for top in ("services", "shared", "deploy") for path in (ROOT / top).rglob("*.py")):
        where = "/".join(path.relative_to(ROOT).parts[:2])
        nodes = list(ast.walk(ast.parse(path.read_text())))
        whole = {name.asname or name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and not (node.module or "").endswith("exceptions"):
                module, names = (node.module or "").partition(".")[0], [name.name for name in node.names]
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in whole:
                module, names = node.value.id, [node.attr]
            else:
                continue
            for name in names:
                if (module in CRYPTOGRAPHY and name not in HELPERS) or (module, name) == ("os", "urandom"):
                    found.setdefault(f"{module}.{name}", set()).add(where)
    return found


def test_every_use_of_cryptography_is_in_the_inventory() -> None:
    rows = re.findall(r"^\| [^|]*\| `(\w+\.\w+)` \| (`[^|]+`) \|$", PAGE, re.MULTILINE)
    told = {name: set(re.findall(r"`([^`]+)`", places)) for name, places in rows}
    assert told == _uses()
    assert {"hashlib.sha256", "cryptography.AESGCM", "os.urandom"} <= told.keys(), "what there is is found"
    assert "hashlib.md5" not in told and told["hashlib.sha1"] == {"services/gateway"}
