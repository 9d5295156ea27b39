"""
An account's mailboxes, found by their folders and by their ids.

Implementation notes

- A mailbox is what has a folder with a ``cur``.  One whose folder is gone was
  removed, or renamed, by another program; its id tells which, since the uidlist
  in the folder has it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mailsuite.errors import NoSuchMailbox
from mailsuite.store.deltas import Deleted
from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.maildir import CUR
from mailsuite.store.tree import folders

if TYPE_CHECKING:
    from mailsuite.store.accountfolder import AccountFolder


class MailboxFolders(dict[str, MailboxFolder]):
    """
    The mailboxes that the index knows, by their folders' names.
    """

    def __init__(self, account: AccountFolder) -> None:
        super().__init__()
        self._account = account

    def load(self) -> None:
        """
        Take over what the index has, also what other processes left there.
        """
        # Another process may have found what was just delivered here.
        self._account.looks += 1
        old = {mailbox.row.guid: mailbox for mailbox in self.values()}
        self.clear()
        for row in self._account.index.mailboxes():
            mailbox = old.get(row.guid)
            if mailbox is None:
                mailbox = MailboxFolder(self._account, row)
            else:
                mailbox.reload(row)
            self[row.folder] = mailbox

    def at(self, folder: str) -> MailboxFolder:
        """
        The mailbox in this folder, known to the index from here on.

        :raises NoSuchMailbox: there is no such folder, or it is a mere level.
        """
        root = self._account.maildir
        mailbox = self.get(folder)
        path = f"{root}/{folder}" if folder else root
        if not os.path.isdir(f"{path}/{CUR}"):
            if mailbox is not None and os.path.isdir(root):
                self._vanished(mailbox)
            raise NoSuchMailbox
        if mailbox is None:
            mailbox = MailboxFolder.found(self._account, folder)
            self[folder] = mailbox
        return mailbox

    def _vanished(self, mailbox: MailboxFolder) -> None:
        """
        Another program removed a mailbox's folder.
        """
        account = self._account
        account.changing()
        del self[mailbox.row.folder]
        modseq = account.next_modseq()
        with account.commit():
            account.index.forget_mailbox(mailbox.row.mailbox)
        account.use.forget()
        account.tell(Deleted(mailbox.row.guid, modseq))

    def taken(self, mailbox_id: str) -> bool:
        """
        Whether this is no id for another mailbox.

        A mailbox that lost its folder gives its id up: it was renamed by
        another program.
        """
        for mailbox in list(self.values()):
            if mailbox.row.guid == mailbox_id:
                if os.path.isdir(mailbox.path):
                    return True
                self._vanished(mailbox)
        return not mailbox_id

    def known(self, mailbox_id: str) -> MailboxFolder | None:
        """
        The mailbox with this id, if the index knows it.
        """
        for mailbox in self.values():
            if mailbox.row.guid == mailbox_id:
                return mailbox
        return None

    def by_id(self, mailbox_id: str) -> MailboxFolder:
        """
        The mailbox with this id, even if the index is new.

        :raises NoSuchMailbox: it was deleted.
        """
        mailbox = self.known(mailbox_id)
        if mailbox is not None:
            return mailbox
        for folder in folders(self._account).values():
            mailbox = self.at(folder)
            if mailbox.row.guid == mailbox_id:
                return mailbox
        raise NoSuchMailbox
