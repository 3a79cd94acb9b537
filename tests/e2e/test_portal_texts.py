"""What can be said of the portal without a browser: its words, its colours, its sums, and what it does when services are away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient

from services.gateway.accounts import VIEWS, Accounts
from services.gateway.app import create_app
from services.gateway.portal import language, proof
from services.gateway.portal.case_pages import proved
from shared.domain.errors import UnavailableError
from shared.ledger import checkpoint, merkle
from shared.views.sqlite import SqliteViews

PORTAL = Path(language.__file__).parent
TEMPLATES = sorted((PORTAL / "templates").rglob("*.html"))
CSS = (PORTAL / "static" / "portal.css").read_text()
CHINESE = re.compile(r"[\u3400-\u9fff]")


def test_texts_are_in_the_table_only() -> None:
    for path in TEMPLATES:
        words = [line for line in path.read_text().splitlines() if CHINESE.search(line)]
        assert all('lang="zh-CN"' in line for line in words), path.name  # the link to the other language names itself
    for path in PORTAL.glob("*.py"):
        assert not CHINESE.search(path.read_text()), path.name


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "front, backs",
    [
        ("ink", "paper card mist blush honey"),
        ("soft", "paper card"),
        ("jade", "paper card mist"),
        ("jade-dark", "paper card mist"),
        ("seal-dark", "card blush"),
        ("card", "jade jade-dark seal seal-dark"),
    ],
)
def test_text_has_enough_contrast(front: str, backs: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1."""
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", CSS))
    for back in backs.split():
        light, dark = sorted((_luminance(colours[front]), _luminance(colours[back])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{front} on {back}"


def test_amounts_and_shares_are_exact() -> None:
    assert [language.yuan(fen) for fen in (0, 5, 123_456_789, -120)] == ["0.00", "0.05", "1,234,567.89", "-1.20"]
    assert [language.percent(*share) for share in ((1, 3), (2, 3), (1, 2000), (5, 5), (0, 0))] == [
        "33.3%", "66.7%", "0.1%", "100.0%", "—",
    ]  # fmt: skip
    assert [language.thousandths(*share) for share in ((1, 2), (3, 2), (-1, 2), (1, 0))] == [500, 1000, 0, 0]


class _Ledger:
    """A signed tree over some lines."""

    def __init__(self, size: int) -> None:
        self.private = key = Ed25519PrivateKey.generate()
        self.lines = [f'{{"id":"event-{number}"}}' for number in range(size)]
        self.tiles = merkle.append(lambda wanted: {}, 0, [merkle.leaf_hash(line.encode()) for line in self.lines])
        root = merkle.root(self._read, size)
        self.checkpoint = checkpoint.sign(key, "test.example/city-ledger", size, root)
        self.key = checkpoint.public_pem(key).decode()

    def _read(self, wanted: Any) -> dict[Any, bytes]:
        return {tile: self.tiles[tile] for tile in wanted if tile in self.tiles}

    def proof(self, index: int) -> list[str]:
        return [digest.hex() for digest in merkle.inclusion_proof(self._read, index, len(self.lines))]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13])
def test_every_entry_is_proved_and_nothing_else(size: int) -> None:
    """The page's own check agrees with the ledger's tree, and refuses every kind of change."""
    ledger = _Ledger(size)
    for index, line in enumerate(ledger.lines):
        path = ledger.proof(index)
        given = {"line": line, "index": index, "size": size, "proof": path}
        signed = {"checkpoint": ledger.checkpoint, "public_key": ledger.key}
        assert proof.check(**given, **signed).proved  # type: ignore[arg-type]
        changes: list[dict[str, Any]] = [
            {"line": line + " "},
            {"index": index + size},
            {"size": size + 1},
            {"proof": [*path, path[0]] if path else ["00" * 32]},
        ]
        if path:
            wrong = sha256(path[0].encode()).hexdigest()
            changes += [{"proof": path[:-1]}, {"proof": [wrong, *path[1:]]}]
        for change in changes:
            assert not proof.check(**(given | change), **signed).included, change  # type: ignore[arg-type]
        forged = proof.check(**given, checkpoint=ledger.checkpoint, public_key=_Ledger(1).key)  # type: ignore[arg-type]
        assert forged.included and not forged.signed and not forged.proved
        later = ledger.checkpoint.replace(f"\n{size}\n", f"\n{size + 1}\n")
        assert not proof.check(**given, checkpoint=later, public_key=ledger.key).proved  # type: ignore[arg-type]


@pytest.mark.parametrize("old", range(1, 14))
def test_a_ledger_that_goes_on_is_told_from_one_that_was_changed(old: int) -> None:
    """The page's own check agrees with the ledger's tree for every earlier size, and refuses what was changed or not signed."""
    ledger = _Ledger(13)
    root = merkle.root(ledger._read, old)
    earlier = checkpoint.sign(ledger.private, "test.example/city-ledger", old, root)
    path = [digest.hex() for digest in merkle.consistency_proof(ledger._read, old, 13)] if old < 13 else []
    found = proof.continued(earlier, ledger.checkpoint, path, ledger.key)
    assert found.proved and (found.old, found.new) == (old, 13)
    other = checkpoint.sign(ledger.private, "test.example/city-ledger", old, sha256(root).digest())
    assert not proof.continued(other, ledger.checkpoint, path, ledger.key).continues
    assert not proof.continued(earlier, ledger.checkpoint, [*path, "00" * 32], ledger.key).continues
    assert not proof.continued(earlier, ledger.checkpoint, path, _Ledger(1).key).signed
    for nothing in ("", "no checkpoint\n", "a\n99999999999999999\nb\n", earlier.replace(f"\n{old}\n", "\n0\n")):
        assert not proof.continued(nothing, ledger.checkpoint, path, ledger.key).proved


def test_steps_find_their_facts_in_the_ledger_and_late_ones_wait() -> None:
    def entry(position: int, name: str, at: str) -> dict[str, Any]:
        line = json.dumps({"type": f"cn.linli.issues.{name}", "occurred": at})
        return {"position": position, "event_id": f"event-{position}", "line": line}

    steps = [{"what": what, "at": "t"} for what in ("IssueReported", "IssueExtended", "IssueExtended", "IssueClosed")]
    entries = [entry(9, "IssueExtended", "t"), entry(3, "ContactErased", "t"), entry(1, "IssueReported", "t")]
    assert [step["event_id"] for step in proved(steps, entries)] == ["event-1", "event-9", "", ""]


class _Away:
    """A city whose services do not answer."""

    def call(self, service: str, method: str, *_: Any, **__: Any) -> dict[str, Any]:
        raise UnavailableError(f"{service} does not answer")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    accounts = Accounts(SqliteViews(tmp_path / "gateway.views.sqlite", VIEWS, durable=True))
    yield create_app(_Away(), accounts, (b"s" * 32,)).test_client()
    accounts.close()


def test_the_start_page_stands_when_services_are_away(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.text.count("这一部分暂时读不到") == 2


def test_other_pages_say_that_a_service_is_away(client: FlaskClient) -> None:
    for path in ("/disclosure", "/cases/some-case", "/audit", "/wishes"):
        answer = client.get(path, headers={"Accept": "text/html", "Accept-Language": "en"})
        assert answer.status_code == 503, path
        assert "Not available at the moment" in answer.text
        assert answer.headers["Retry-After"] == "1"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
