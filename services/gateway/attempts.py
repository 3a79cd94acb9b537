"""The brake on guessing: who was wrong too often waits, and each time longer. All of it is forgotten by time."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from services.gateway.problems import TooManyRequestsError
from shared.domain.words import _, said

#: Seconds of the first delay and of the longest; each wrong attempt doubles it.
FIRST, LONGEST = 30.0, 900.0
#: Seconds in which as many wrong attempts as are free are forgotten.
FADES = 7200.0
#: Names that are watched at a time.
WATCHED = 20_000


class Attempts:
    """Counts sign-ins that may turn out wrong, in one process; `clock` gives seconds.

    What is counted goes by a digest, so that a name takes the same room however long it is.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(16)
        #: Until when the next one has to wait, and when the wrong ones will all be forgotten.
        self._begun: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def begin(self, limits: dict[str, int]) -> None:
        """Count an attempt before it is checked, so that many at once do not slip through, or refuse it.

        `limits`: for each name how many may be wrong before the next one waits.
        """
        now = self._clock()
        for name in limits:
            if (wait := self._begun.get(self._digest(name), (now, now))[0] - now) > 0:
                seconds = int(wait) + 1
                raise TooManyRequestsError(
                    said(_("too many wrong passwords; try again in {seconds} s"), seconds=seconds), seconds
                )
        for name, limit in limits.items():
            count = self._counted(name, limit, now) + 1
            beyond = round(count) - limit
            wait = min(FIRST * 2 ** min(beyond, 20), LONGEST) if beyond >= 0 else 0.0
            self._keep(name, now + wait, now + count * FADES / limit, now)
        self._forget(now)

    def succeeded(self, limits: dict[str, int]) -> None:
        """Take the attempt back: the password was right."""
        now = self._clock()
        for name, limit in limits.items():
            self._keep(name, now, now + (self._counted(name, limit, now) - 1) * FADES / limit, now)

    def _counted(self, name: str, limit: int, now: float) -> float:
        return max(0.0, self._begun.get(self._digest(name), (now, now))[1] - now) * limit / FADES

    def _keep(self, name: str, waits: float, forgotten: float, now: float) -> None:
        digest = self._digest(name)
        self._begun[digest] = (waits, forgotten)
        self._begun.move_to_end(digest)
        if forgotten <= now:
            del self._begun[digest]

    def _forget(self, now: float) -> None:
        """Let go of the eldest: those that have faded, and those beyond what is watched."""
        while self._begun:
            waits, forgotten = next(iter(self._begun.values()))
            if len(self._begun) <= WATCHED and max(waits, forgotten) > now:
                return
            self._begun.popitem(last=False)

    def _digest(self, name: str) -> bytes:
        return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, key=self._key).digest()
