"""
An account whose database is closed while its sessions idle, and what can be
done for it without opening that.

Implementation notes

- A thousand mailboxes that idle cannot have a thousand databases open, and
  opening and closing one costs several syncs: too much for each message that
  arrives.  So an arrival gets its UID, durably, in the uidlist, its modseq, and
  is told, all from memory; the index is brought up when it is next open.  By
  then the mark of a clean close is gone, so that a crash in between means no
  more than a comparison with the maildir.
- This holds only as long as no other process used the account: its index, or
  the uidlist, would be other than they were left.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailsuite.errors import MailError
from mailsuite.store import adding
from mailsuite.store.adding import Arrival
from mailsuite.store.hold import AccountHold
from mailsuite.store.maildir import CUR, NEW
from mailsuite.store.rows import FileRow, MessageRow

if TYPE_CHECKING:
    from mailsuite.store.accountfolder import AccountFolder
    from mailsuite.store.mailboxfolder import MailboxFolder

#: What of the index's files tells that somebody used it.
_Stamp = tuple[int, int, int]


class Suspension:
    """
    What is remembered of an account between closing its index and opening it
    again.

    :ivar pending: messages that were told and are not in the index, by mailbox
        id.
    """

    def __init__(self, account: AccountFolder, index_path: str) -> None:
        self._account = account
        self._path = index_path
        self._left: _Stamp | None = None
        self.pending: dict[str, tuple[list[MessageRow], list[FileRow]]] = {}

    def begin(self) -> None:
        """
        The index was closed as it should be.
        """
        self._left = self._stamp()

    def end(self) -> bool:
        """
        The index is about to be opened.

        :return: whether nobody has used it meanwhile.
        """
        untouched = self._left is not None and self._left == self._stamp()
        self._left = None
        if not untouched:
            # Their files and lines are there to be found.
            self.pending.clear()
        return untouched

    def forget(self) -> None:
        """
        Something went wrong: the account is compared whole when it is opened.
        """
        self._left = None
        self.pending.clear()

    def _stamp(self) -> _Stamp | None:
        if os.path.exists(f"{self._path}-wal"):
            return None
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def adopt(self, arrivals: Sequence[Arrival]) -> bool:
        """
        Give UIDs to what was delivered into INBOX, and tell, without the
        index.

        :return: False if that is not possible, and nothing was done.
        """
        account = self._account
        inbox = account.mailboxes.get("")
        if (
            account.is_open
            or account.is_doubtful
            or self._left is None
            or inbox is None
        ):
            return False
        hold = AccountHold(account.record.home)
        try:
            hold.take()
            if hold.left_dirty or inbox.is_stale or self._left != self._stamp():
                return False
            return account.holding_only(
                hold, lambda: self._give(inbox, arrivals)
            )
        finally:
            hold.close()

    def _give(self, inbox: MailboxFolder, arrivals: Sequence[Arrival]) -> bool:
        with inbox.uids.locked():
            if not (inbox.uids.unchanged() and adding.unseen(inbox, arrivals)):
                return False
            rows, files = adding.give(inbox, arrivals)
        kept = self.pending.setdefault(inbox.row.guid, ([], []))
        kept[0].extend(rows)
        kept[1].extend(files)
        self._account.use.add(sum(row[3] for row in rows), len(rows))
        inbox.delta(rows)
        return True

    def bring_up(self) -> None:
        """
        Put into the index what is pending.
        """
        account = self._account
        pending, self.pending = self.pending, {}
        with account.commit():
            for mailbox_id, (rows, files) in pending.items():
                mailbox = account.by_id(mailbox_id)
                account.index.add_messages(mailbox.row.mailbox, rows, files)
                mailbox.save()


def glance(mailbox: MailboxFolder) -> bool:
    """
    Whether nobody but us changed the folder, as far as that can be told
    without the index.
    """
    seen = mailbox.seen
    try:
        if (
            seen.cur != mailbox.time_of(CUR)
            or seen.keywords != mailbox.keywords_time()
            or not mailbox.uids.unchanged()
        ):
            return False
        time = mailbox.time_of(NEW)
        if seen.new == time:
            return True
        # Our own deliveries change this time before we know of them.
        names = os.listdir(f"{mailbox.path}/{NEW}")
    except (OSError, MailError):
        return False
    if mailbox.in_new is None or len(names) != mailbox.in_new:
        return False
    seen.new = time
    mailbox.unverified = True
    return True
