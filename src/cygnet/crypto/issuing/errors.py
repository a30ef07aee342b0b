"""What cannot be made or read, in words for who asked for it."""

from __future__ import annotations

from cygnet.values.errors import CygnetError


class IssuingError(CygnetError):
    """An input that is not what it should be, or a wish that cannot be fulfilled."""


class WishError(IssuingError):
    """What was asked for is spelled wrong or is not possible whatever the inputs are."""


class PassphraseNeeded(IssuingError):
    """A key or container is encrypted and no passphrase was given, or not the right one."""

    def __init__(self, what: str, wrong: bool) -> None:
        super().__init__(f"{what} is encrypted; " + ("the passphrase is wrong" if wrong else "no passphrase"))
        self.wrong = wrong
