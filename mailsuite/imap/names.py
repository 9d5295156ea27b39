"""
Mailbox names as clients see them: the hierarchy separator is configured.
"""

from __future__ import annotations

from mailsuite.errors import InvalidMailboxName
from mailsuite.mail.mailboxes import INBOX, SEPARATOR


def from_client(name: str, separator: str) -> str:
    """
    The store's spelling of a client's name.

    A first level that reads INBOX is that one in any case (RFC 9051 5.1), as it
    is in LIST's patterns.

    :raises InvalidMailboxName: a level would contain the store's separator.
    """
    if separator != SEPARATOR:
        if SEPARATOR in name:
            raise InvalidMailboxName
        name = name.replace(separator, SEPARATOR)
    first, below, rest = name.partition(SEPARATOR)
    return INBOX + below + rest if first.upper() == INBOX else name


def to_client(name: str, separator: str) -> str:
    """
    A client's spelling of the store's name.
    """
    if separator == SEPARATOR:
        return name
    return name.replace(SEPARATOR, separator)
