"""
INBOX as POP3 sees it: frozen, and one session's alone.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable

from zope.interface import implementer

from mailsuite.interfaces import IContent, IMaildrop, MaildropEntry
from mailsuite.mail.uids import UID, UIDSet
from mailsuite.store import scan
from mailsuite.store.mailbox import Mailbox
from mailsuite.store.mailboxfolder import MailboxFolder

#: RFC 1939 7, UIDL.
_UNIQUE_ID = re.compile(r"[\x21-\x7e]{1,70}\Z")


class MaildropLock:
    """
    The lock that one session holds, whatever the process.

    :param path: of the lock's file.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """
        Let the next have it.
        """
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def drop_entries(
    folder: MailboxFolder,
) -> tuple[MaildropEntry, ...]:
    """
    The messages with their unique ids: the ``P`` field of the uidlist, else as
    they are configured.
    """
    scan.look(folder)
    row, index = folder.row, folder.account.index
    extras = index.extras(row.mailbox)
    given = {
        uid: unique_id
        for uid, unique_id in _fields(extras, "P").items()
        if _UNIQUE_ID.match(unique_id)
    }
    made = folder.account.tools.unique_ids
    bases: dict[int, str] = {}
    guids: dict[int, str] = {}
    if made.needs_names:
        bases = {file.uid: file.base for file in index.files(row.mailbox)}
        guids = _fields(extras, "G")
    return tuple(
        MaildropEntry(
            UID(uid),
            size,
            given.get(uid)
            or made.of(
                uid,
                row.uidvalidity,
                bases.get(uid, ""),
                guids.get(uid) or bases.get(uid, ""),
            ),
        )
        for uid, _, _, size, _ in index.messages(row.mailbox)
    )


def _fields(extras: list[tuple[int, str]], letter: str) -> dict[int, str]:
    """
    The fields of that letter, by UID.
    """
    return {
        uid: field[1:]
        for uid, extra in extras
        for field in extra.split()
        if field[0] == letter
    }


@implementer(IMaildrop)
class Maildrop:
    """
    A session's maildrop.

    :param released: called once when the session lets go.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        entries: tuple[MaildropEntry, ...],
        lock: MaildropLock,
        released: Callable[[], None],
    ) -> None:
        self.entries = entries
        self._mailbox = mailbox
        self._lock = lock
        self._released: Callable[[], None] | None = released

    async def open(self, uid: UID) -> IContent:
        """
        See ``IMaildrop``.
        """
        return await self._mailbox.open(uid)

    async def delete(self, uids: UIDSet) -> UIDSet:
        """
        See ``IMaildrop``.
        """
        removed = await self._mailbox.remove(uids)
        left = self._mailbox.messages
        # What another session expunged meanwhile is gone as well.
        gone = UIDSet.of(uid for uid in uids if left.place(uid) is None)
        return removed | gone

    def release(self) -> None:
        """
        See ``IMaildrop``.
        """
        if self._released is not None:
            released, self._released = self._released, None
            self._lock.release()
            self._mailbox.release()
            released()
