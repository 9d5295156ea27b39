"""
Mailbox names as clients see them: the hierarchy separator is configured.
"""

from __future__ import annotations

from mailsuite.errors import InvalidMailboxName
from mailsuite.mail.mailboxes import SEPARATOR


def from_client(name: str, separator: str) -> str:
    """
    The store's spelling of a client's name.

    :raises InvalidMailboxName: a level would contain the store's separator.
    """
    if separator == SEPARATOR:
        return name
    if SEPARATOR in name:
        raise InvalidMailboxName
    return name.replace(separator, SEPARATOR)


def to_client(name: str, separator: str) -> str:
    """
    A client's spelling of the store's name.
    """
    if separator == SEPARATOR:
        return name
    return name.replace(SEPARATOR, separator)
