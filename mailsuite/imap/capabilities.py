"""
What is announced, and when (RFC 9051 6.1.1).
"""

from __future__ import annotations

#: What does not depend on the connection.
_ALWAYS = (
    b"IMAP4rev1",
    b"IMAP4rev2",
    b"ID",
    b"LITERAL+",
    b"SASL-IR",
    b"ENABLE",
)

_AFTER_LOGIN = (
    b"IDLE",
    b"NAMESPACE",
    b"UIDPLUS",
    b"MOVE",
    b"UNSELECT",
    b"CHILDREN",
    b"SPECIAL-USE",
    b"CREATE-SPECIAL-USE",
    b"LIST-EXTENDED",
    b"LIST-STATUS",
    b"STATUS=SIZE",
    b"ESEARCH",
    b"SEARCHRES",
    b"CONDSTORE",
    b"QUOTA",
    b"QUOTA=RES-STORAGE",
    b"QUOTA=RES-MESSAGE",
)

#: What ENABLE takes (RFC 5161), as ENABLED names it.
ENABLES = {"IMAP4REV2": b"IMAP4rev2", "CONDSTORE": b"CONDSTORE"}


def before_login(
    mechanisms: tuple[str, ...], *, secure: bool, starttls: bool
) -> list[bytes]:
    """
    Capabilities of a connection on which nobody has logged in.

    :param mechanisms: what AUTHENTICATE takes here.
    :param secure: a password may be sent.
    :param starttls: STARTTLS is possible.
    """
    names = [*_ALWAYS]
    if starttls:
        names.append(b"STARTTLS")
    if not secure:
        names.append(b"LOGINDISABLED")
    names += [b"AUTH=" + name.encode("ascii") for name in mechanisms]
    return names


def after_login(append_limit: int) -> list[bytes]:
    """
    Capabilities of a session that is logged in.

    :param append_limit: octets of the largest message (RFC 7889).
    """
    return [*_ALWAYS, *_AFTER_LOGIN, b"APPENDLIMIT=%d" % append_limit]
