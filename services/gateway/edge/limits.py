"""Who may take how much: requests a second, connections and bytes for each address. All of it is forgotten by time."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class Rates:
    """At most `rate` requests a second for each caller, and `burst` at once after a rest; rate 0: no limit."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = 1 / rate if rate else 0.0
        self._ahead = burst * self._every
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()  # when all that a caller has asked would be paid off

    def take(self, who: str) -> float:
        """Count a request; 0.0, or the seconds after which it would be taken."""
        if not self._every:
            return 0.0
        now = self._clock()
        due = max(now, self._due.get(who, now)) + self._every
        if due - now > self._ahead:
            return due - now - self._ahead
        self._due[who] = due
        self._due.move_to_end(who)
        self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Let go of two callers that have rested, so that those who come once do not stay."""
        for _ in range(2):
            who, due = next(iter(self._due.items()))
            if due > now:
                return
            del self._due[who]

    def __len__(self) -> int:
        return len(self._due)


class Held:
    """How much is held at a time, in all and for each address: connections, or bytes."""

    def __init__(self, most: int, each: int) -> None:
        self._most, self._each = most, each
        self._all = 0
        self._of: Counter[str] = Counter()

    def take(self, who: str, amount: int = 1, *, trusted: bool = False) -> bool:
        """Hold so much more, or nothing when it is too much; for a trusted proxy only the whole counts."""
        if self._all + amount > self._most or (not trusted and self._of[who] + amount > self._each):
            return False
        self._all += amount
        self._of[who] += amount
        return True

    def give(self, who: str, amount: int = 1) -> None:
        """Let go of what was held."""
        self._all -= amount
        self._of[who] -= amount
        if not self._of[who]:
            del self._of[who]


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, divided by commas; raises `ValueError` naming what is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_of(peer: str, forwarded: Iterable[str], proxies: Iterable[Network]) -> str:
    """Whose request it is: the last address on the way that is no trusted proxy. What others wrote before it is hearsay."""
    address = peer
    way = [part.strip() for line in forwarded for part in line.split(",")]
    while is_in(address, proxies) and way:
        try:
            address = str(ip_address(way.pop().removeprefix("[").removesuffix("]")))
        except ValueError:
            break
    return address


def is_in(address: str, among: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in among)


def caller(address: str) -> str:
    """Who counts as one: an address, or the 64 bits of IPv6 that a household is given."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Network((found, 64), strict=False))
    return str(found)
