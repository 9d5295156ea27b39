"""
A folder's uidlist at a look: read, mended, taken over by the index.

Implementation notes

- Under the list's lock, all of it.
- Lines of messages that were expunged stay until they are most of the list, as
  with Dovecot: writing a long list anew for each expunge would cost more.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.uidlist import Line, UIDList

#: About the octets of a line.
_A_LINE = 80

#: So many lines of messages that were expunged do no harm.
_STALE_LINES = 1000


class Listing:
    """
    What the list says at this look.

    :ivar lines: those that were read, by base name.
    :ivar void: the index knows nothing of these UIDs: the mailbox is new to it,
        or has another UIDVALIDITY.
    """

    def __init__(self, mailbox: MailboxFolder) -> None:
        self.lines: dict[str, Line] = {}
        self.void = mailbox.row.epoch == 0
        self._mailbox = mailbox
        self._account = mailbox.account
        self._index = mailbox.account.index
        self._is_whole = False

    def read(self) -> bool:
        """
        Take over what others did to the list.

        :return: whether the folder must be compared whole.
        """
        lines = self._mailbox.uids.appended()
        if lines is None:
            self.read_whole()
            return True
        self.lines = {line.base: line for line in lines}
        return False

    def read_whole(self) -> None:
        """
        Read all of the list, if that was not done; it is mended, or made from
        the index if it was lost.
        """
        if self._is_whole:
            return
        self._is_whole = True
        mailbox, row = self._mailbox, self._mailbox.row
        listed, faults = mailbox.uids.read()
        if faults:
            mailbox.log.warn(
                "{path} is mended: {faults}",
                path=mailbox.path,
                faults=", ".join(faults),
            )
        lost = listed is None
        if listed is None:
            listed = self._from_index()
        if listed.uidvalidity != row.uidvalidity:
            self._make_void(listed)
        if lost or faults or listed.mailbox_id != row.guid:
            listed.mailbox_id = listed.mailbox_id or row.guid
            listed.uidnext = max(listed.uidnext, row.uidnext)
            self._account.changing()
            mailbox.uids.rewrite(listed)
        row.guid = listed.mailbox_id
        self.lines = {line.base: line for line in listed.lines}

    def _from_index(self) -> UIDList:
        """
        The list that was lost, from the index if it knows one.
        """
        row = self._mailbox.row
        files = self._index.files(row.mailbox)
        if not files and row.uidnext == 1:
            return self._mailbox.new_uidlist()
        lines = [Line(f.uid, f.base, tuple(f.extra.split())) for f in files]
        return UIDList(row.uidvalidity, row.uidnext, row.guid, lines)

    def _make_void(self, listed: UIDList) -> None:
        """
        Another UIDVALIDITY: nothing that the index knows is true.
        """
        mailbox, row = self._mailbox, self._mailbox.row
        self.void = True
        self._account.changing()
        with self._account.commit():
            row.uidvalidity = listed.uidvalidity
            row.uidnext = listed.uidnext
            row.first_recent = 1
            row.highestmodseq = self._account.next_modseq()
            row.complete_since = row.highestmodseq
            self._index.forget_messages(row.mailbox)
            mailbox.save()
        self._account.use.forget()
        mailbox.delta([], whole=True)

    def drop(self, bases: Sequence[str]) -> None:
        """
        Take out the lines of these messages, which get other UIDs.
        """
        unwanted = set(bases)
        uids, _ = self._mailbox.uids.read()
        if uids is not None:
            uids.lines = [x for x in uids.lines if x.base not in unwanted]
            self._account.changing()
            self._mailbox.uids.rewrite(uids)

    def shorten(self) -> None:
        """
        Take out the lines of what was expunged, if they are most of the list.

        With the index up to date.
        """
        mailbox, number = self._mailbox, self._mailbox.row.mailbox
        messages = self._index.count_from(number, 1)
        if mailbox.uids.size < _A_LINE * (2 * messages + _STALE_LINES):
            return
        uids, _ = mailbox.uids.read()
        if uids is None or len(uids.lines) < 2 * messages + _STALE_LINES:
            return
        kept = {file.base for file in self._index.files(number)}
        uids.lines = [line for line in uids.lines if line.base in kept]
        self._account.changing()
        mailbox.uids.rewrite(uids)
        mailbox.unsaved = True
