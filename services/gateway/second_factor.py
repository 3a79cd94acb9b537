"""The second factor: a number that an application on a telephone makes anew every 30 seconds (TOTP, RFC 6238)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.domain.errors import UnavailableError
from shared.domain.words import _

#: Seconds for which a number is shown and good, and how many numbers before and after are told from guesses, for clocks that go wrong.
STEP, NEAR = 30, 4


class Factors:
    """Makes and checks secrets of second factors; they are kept sealed with the city's secret. `clock` gives Unix seconds."""

    def __init__(self, keys: tuple[bytes, ...], city: str, clock: Callable[[], float] = time.time) -> None:
        """`keys` are Fernet's, the newest first; `city` names this installation in the application."""
        self._box = MultiFernet([Fernet(key) for key in keys])
        self._city = city
        self.clock = clock

    def new(self, username: str) -> tuple[str, str, str]:
        """A new secret sealed, as text to type, and as the address that applications read."""
        secret = pyotp.random_base32()
        address = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=self._city)
        return self._box.encrypt(secret.encode()).decode(), secret, address

    def step_of(self, sealed: str, code: str) -> int | None:
        """The present step (30 s since 1970) when the code is its number; None for any other.

        Raises `UnavailableError` when the secret was sealed with a key that this city no longer has.
        """
        now = int(self.clock()) // STEP
        return now if self._is(sealed, code, now) else None

    def off(self, sealed: str, code: str) -> int:
        """By how many steps a code is too late (below 0) or too early; 0 when it is no number of about now."""
        now = int(self.clock()) // STEP
        return next((by for by in range(-NEAR, NEAR + 1) if by and self._is(sealed, code, now + by)), 0)

    def _is(self, sealed: str, code: str, step: int) -> bool:
        try:
            totp = pyotp.TOTP(self._box.decrypt(sealed.encode()).decode())
        except InvalidToken:
            raise UnavailableError(
                _("the second factor cannot be read with the city's secret; an operator has to reset it")
            ) from None
        return bool(pyotp.utils.strings_equal(totp.generate_otp(step), code))
