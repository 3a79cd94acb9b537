"""Whose cosignatures a checkpoint needs: a policy file (C2SP tlog-policy).

log linli.example/city-ledger+5c6b7f0a+AQ… http://127.0.0.1:8000/city-ledger
witness court court.example/witness+8d1e02c4+BA… http://10.1.0.7:8100
witness archive archive.example/witness+11aa03ff+BA… http://10.2.0.7:8100
group offices 1 court archive
quorum offices
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.domain.errors import BadInputError
from shared.ledger.checkpoint import COSIGNATURE, read_vkey

#: What needs no cosignature.
NONE = "none"


class Witness(msgspec.Struct, frozen=True):
    """A witness: what the policy calls it, the name of its key, the key, and where it is asked ("": nowhere)."""

    name: str
    key_name: str
    key: Ed25519PublicKey
    url: str


class Policy(msgspec.Struct, frozen=True):
    """Known ledgers by origin, witnesses by what the policy calls them, and groups of which `k` members are enough."""

    logs: dict[str, list[Ed25519PublicKey]]
    witnesses: dict[str, Witness]
    groups: dict[str, tuple[int, tuple[str, ...]]]
    quorum: str = NONE

    def keys(self) -> dict[str, Ed25519PublicKey]:
        """The witnesses' keys by the name of the key."""
        return {one.key_name: one.key for one in self.witnesses.values()}

    def satisfied(self, signers: Collection[str]) -> bool:
        """Whether the cosignatures of these keys, by name, are enough."""
        return self._has(self.quorum, signers)

    def _has(self, name: str, signers: Collection[str]) -> bool:
        if name == NONE:
            return True
        if name in self.witnesses:
            return self.witnesses[name].key_name in signers
        wanted, members = self.groups[name]
        return sum(self._has(member, signers) for member in members) >= wanted

    def wanted(self) -> str:
        """The rule as a sentence's end: `1 of court, archive`."""
        if self.quorum not in self.groups:
            return self.quorum
        least, members = self.groups[self.quorum]
        return f"{least} of {', '.join(members)}"


#: No witness is known and none is needed.
NOBODY = Policy({}, {}, {})


def read_policy(text: str) -> Policy:
    """Parse a policy; raises `BadInputError` naming the line that is wrong."""
    policy = Policy({}, {}, {})
    quorum: str | None = None
    members: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            match words:
                case ["log", key] | ["log", key, _]:
                    name, public = read_vkey(key)
                    policy.logs.setdefault(name, []).append(public)
                case ["witness", name, key] | ["witness", name, key, _]:
                    _new(policy, name)
                    key_name, public = read_vkey(key, COSIGNATURE)
                    if any(public == other.key or key_name == other.key_name for other in policy.witnesses.values()):
                        raise ValueError("a witness is named twice")
                    policy.witnesses[name] = Witness(name, key_name, public, words[3] if len(words) > 3 else "")
                case ["group", name, least, *of] if of:
                    _new(policy, name)
                    if any(one not in policy.witnesses and one not in policy.groups for one in of):
                        raise ValueError("a group can only name what stands above it")
                    if members & set(of) or len(set(of)) < len(of):
                        raise ValueError("each name may be in one group only, and once")
                    members.update(of)
                    count = {"all": len(of), "any": 1}.get(least) or int(least)
                    if not 1 <= count <= len(of):
                        raise ValueError(f"{count} of {len(of)} cannot be")
                    policy.groups[name] = (count, tuple(of))
                case ["quorum", name] if quorum is None:
                    if name != NONE and name not in policy.witnesses and name not in policy.groups:
                        raise ValueError(f"{name} is no witness and no group that stands above")
                    quorum = name
                case _:
                    raise ValueError("expected log, witness, group, or one quorum")
        except (ValueError, BadInputError) as error:
            why = error.message if isinstance(error, BadInputError) else str(error)
            raise BadInputError(f"line {number} of the policy: {why}", {"policy": [f"line {number}: {why}"]}) from None
    if quorum is None:
        raise BadInputError("the policy has no line `quorum NAME`", {"policy": ["no quorum"]})
    return msgspec.structs.replace(policy, quorum=quorum)


def _new(policy: Policy, name: str) -> None:
    if name == NONE or name in policy.witnesses or name in policy.groups:
        raise ValueError(f"{name} is named twice, or is a word of its own")


def load_policy(path: Path | None) -> Policy:
    """Return the policy of a file, `NOBODY` without one; raises `BadInputError` when it cannot be read or is wrong."""
    if path is None:
        return NOBODY
    try:
        return read_policy(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"the policy {path} cannot be read: {error}", {"policy": [str(error)]}) from None
    except BadInputError as error:
        raise BadInputError(f"{path}: {error.message}", error.fields) from None
