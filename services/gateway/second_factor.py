"""The second factor: a number that an application on a telephone makes anew every 30 seconds (TOTP, RFC 6238)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.domain.errors import UnavailableError
from shared.domain.words import _

#: Seconds for which a number is shown, and how many numbers before and after are taken, for clocks that go wrong.
STEP, DRIFT = 30, 1


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
        """The step (30 s since 1970) whose number the code is; None for a wrong one.

        Raises `UnavailableError` when the secret was sealed with a key that this city no longer has.
        """
        try:
            totp = pyotp.TOTP(self._box.decrypt(sealed.encode()).decode())
        except InvalidToken:
            raise UnavailableError(
                _("the second factor cannot be read with the city's secret; an operator has to reset it")
            ) from None
        now = int(self.clock()) // STEP
        fitting = [
            step
            for step in range(now - DRIFT, now + DRIFT + 1)
            if pyotp.utils.strings_equal(totp.generate_otp(step), code)
        ]
        return fitting[-1] if fitting else None
