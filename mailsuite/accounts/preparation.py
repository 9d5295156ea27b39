"""
The octets of a password: what somebody typed, however his keyboard spells it.
"""

from __future__ import annotations

from precis_i18n import get_profile

from mailsuite.accounts.errors import BadPassword
from mailsuite.wire.saslprep import saslprep

# RFC 8265 4.2
_OPAQUE = get_profile("OpaqueString")

#: More is no password; hashing it would only keep us busy.
LONGEST_PASSWORD = 1024


def prepared(password: str) -> bytes:
    """
    A password that is to be set, as it is hashed.

    :raises BadPassword: it is empty, too long, or cannot be typed.
    """
    if not password:
        raise BadPassword("The password is empty")
    try:
        octets = _OPAQUE.enforce(password).encode()
    except UnicodeError:
        raise BadPassword(
            "The password has a character that cannot be typed"
        ) from None
    if len(octets) > LONGEST_PASSWORD:
        raise BadPassword(
            f"The password is longer than {LONGEST_PASSWORD} octets"
        )
    return octets


def candidates(password: str) -> tuple[bytes, ...]:
    """
    What may have been hashed when this password was set: prepared by us, or
    as it is by another system.
    """
    raw = password.encode("utf-8", "surrogateescape")
    try:
        return tuple(dict.fromkeys((prepared(password), raw)))
    except BadPassword:
        return (raw,)


def for_scram(password: str) -> bytes:
    """
    A password as SCRAM's clients prepare it (RFC 5802 5.1); as it is where
    they could not, which is what most of them do then.
    """
    try:
        return saslprep(password).encode()
    except ValueError:
        return password.encode("utf-8", "surrogateescape")
