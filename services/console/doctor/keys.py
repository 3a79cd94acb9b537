"""Checks of what private files hold: a key that nobody can read is found before the next start needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from services.audit.copies import FILE, Copies
from services.audit.key import named_in
from services.audit.ledger import LEDGER_VIEWS, Ledger
from services.audit.signing import KEY, LOST, NAMED, NEXT
from services.console.doctor.finding import Finding
from services.gateway.credentials import operator_token
from shared.domain.errors import BadInputError, CorruptionError, IllegalStateError, LinliError, UnavailableError
from shared.ledger.checkpoint import load_key, read_checkpoint, vkey
from shared.ledger.policy import load_policy
from shared.service.settings import Settings
from shared.service.storage import open_views

#: Reads a file, and raises a `LinliError` when it does not hold what it should.
Read = Callable[[Path], object]
_RESTORE = "put the newest copy of the keys back (docs/backup.md)"
_RUN_KEY = "put the newest copy of the keys back, or see `linli key` (docs/operations.md)"


def secrets(settings: Settings) -> Iterator[Finding]:
    """Check that only their owner may read private files, and that each holds what it should."""
    keys = settings.data / "keys"
    wanted: dict[Path, tuple[Read, str]] = {
        settings.secret_file: (lambda _: settings.secrets(), "make one with: openssl rand -hex 32"),
        settings.operator_token_file: (operator_token, "make one with: openssl rand -hex 32"),
        keys / KEY: (lambda path: _signs(settings, path), _RUN_KEY),
        keys / NEXT: (lambda path: _follows(settings, path), _RUN_KEY),
        keys / FILE: (lambda _: [read_checkpoint(text) for text in Copies(keys)], _RESTORE),
        keys / "personal.sqlite": (lambda _: None, ""),  # looked into with the other files
        settings.data / "gateway.views.sqlite": (lambda _: None, ""),
    }
    for path, (read, advice) in wanted.items():
        if path.exists():
            yield _private(path, read, advice)
        elif path == settings.secret_file:
            yield Finding("secret", "warning", f"{path} does not exist yet", "it is made at the first start")
    if settings.witnesses is not None:
        yield _held(settings.witnesses, load_policy, "put it right: without it the audit service does not start")


def _private(path: Path, read: Read, advice: str) -> Finding:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding(path.name, "failed", f"{path} may be read by others (mode {mode:04o})", f"chmod 600 {path}")
    return _held(path, read, advice)


def _held(path: Path, read: Read, advice: str) -> Finding:
    try:
        read(path)
    except UnavailableError as error:  # what it is compared with cannot be read, and is checked elsewhere
        return Finding(path.name, "warning", error.message, "put this right first")
    except LinliError as error:
        return Finding(path.name, "failed", error.message, advice)
    except OSError as error:
        return Finding(path.name, "failed", f"{path} cannot be read: {error.strerror}", "give it to the user of Linli")
    return Finding(path.name, "ok", f"{path} is private and whole")


def _signers(settings: Settings) -> list[str]:
    """The keys that have signed the ledger, in order; none where there is no ledger yet."""
    if not settings.mongodb_uri and not (settings.data / "audit.ledger.sqlite").exists():
        return []
    try:
        views = open_views(settings, "audit", LEDGER_VIEWS, read_only=True)
        try:
            return [str(row["vkey"]) for row in Ledger(views, "").signers()]
        finally:
            views.close()
    except LinliError as error:
        raise UnavailableError(f"the ledger cannot be asked who signs it: {error.message}") from error


def _named(settings: Settings, path: Path) -> str:
    return vkey(f"{settings.city}/city-ledger", load_key(path).public_key())


def _signs(settings: Settings, path: Path) -> None:
    """Raise when it is no key, or not the one that signs the ledger."""
    here, known = _named(settings, path), _signers(settings)
    if known and here != known[-1]:
        raise CorruptionError(f"{path} is {here}, and the ledger is signed with {known[-1]}")


def _follows(settings: Settings, path: Path) -> None:
    """Raise when it is no key, or nothing says that it comes after the one in use."""
    here, known, keys = _named(settings, path), _signers(settings), path.parent
    if not known or here == known[-1] or ((keys / LOST).exists() and not (keys / KEY).exists()):
        return
    if not (keys / NAMED).exists():
        raise IllegalStateError(f"{path} is named by no older key")
    try:
        said = (keys / NAMED).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInputError(f"{keys / NAMED} holds no text in UTF-8") from None
    if named_in(said, f"{settings.city}/city-ledger", known[-1]) != here:
        raise CorruptionError(f"{keys / NAMED} names another key than that of {path}")
