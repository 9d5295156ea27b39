"""
The index's rows, as values.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

#: Begins what is stored of a name that is not ASCII; no name has it.
_ESCAPE = "/"

#: uid, flags, modseq, size, date
MessageRow = tuple[int, int, int, int, int]


@dataclass(slots=True)
class MailboxRow:
    """
    What the index knows of a mailbox.

    :ivar mailbox: its number in this index, 0 until it has one.
    :ivar folder: the Maildir++ folder's name; empty for INBOX.
    :ivar complete_since: expunges after this modseq are all known.
    :ivar first_recent: messages from this UID on were told to nobody.
    :ivar epoch: the account's epoch in which the folder was last compared
        whole with the index.
    :ivar seen: the folder's times and stamps as they were last looked at.
    """

    folder: str
    guid: str
    uidvalidity: int
    mailbox: int = 0
    uidnext: int = 1
    highestmodseq: int = 1
    complete_since: int = 1
    first_recent: int = 1
    epoch: int = 0
    seen: str = ""
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRow:
    """
    Where a message's file is.

    :param place: ``new`` or ``cur``.
    :param base: its name up to the colon.
    :param info: its name from the colon on, with it; may be empty.
    :param extra: the fields of its line in the uidlist.
    """

    uid: int
    place: str
    base: str
    info: str
    extra: str = ""

    @property
    def path(self) -> str:
        """
        Where it is, from the mailbox's folder.
        """
        return f"{self.place}/{self.base}{self.info}"


def stored(name: str) -> str:
    """
    A part of a file's name as a text that SQLite takes: it may be no UTF-8.
    """
    return name if name.isascii() else _ESCAPE + os.fsencode(name).hex()


def named(text: str) -> str:
    """
    The other way round.
    """
    if not text.startswith(_ESCAPE):
        return text
    return os.fsdecode(bytes.fromhex(text[len(_ESCAPE) :]))
