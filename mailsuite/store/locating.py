"""
Finding files that another program renamed since the index was told of them.

Implementation notes

- One locator a step: a program that marked 10,000 messages as read costs a few
  listings of the folder, not one for each message.
- A file is gone if two listings miss it: one can skip files while another
  program renames.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.maildir import CUR, NEW
from mailsuite.store.rows import FileRow

#: Listings of one step, if the other program goes on renaming.
_MOST_LISTINGS = 5


class Locator:
    """
    Where a mailbox's files are, for one step.

    :ivar path: of the mailbox's folder.
    """

    def __init__(self, mailbox: MailboxFolder) -> None:
        self.path = mailbox.path
        self._found: dict[str, FileRow] = {}
        self._listings = 0

    def use(self, file: FileRow, use: Callable[[FileRow], None]) -> bool:
        """
        Use a file where it is, even if somebody renamed it since.

        :return: False if it is gone.
        """
        while True:
            try:
                use(file)
            except FileNotFoundError:
                elsewhere = self._elsewhere(file)
                if elsewhere is None:
                    return False
                file = elsewhere
            else:
                return True

    def _elsewhere(self, file: FileRow) -> FileRow | None:
        """
        Where a file is that is not where it was thought to be.
        """
        while True:
            found = self._found.get(file.base)
            if found is not None and found.path != file.path:
                return replace(found, uid=file.uid, extra=file.extra)
            # Listed, and moved again since; or not listed twice.
            most = 2 if found is None else _MOST_LISTINGS
            if self._listings >= most:
                return None
            self._list()

    def _list(self) -> None:
        self._listings += 1
        for place in (NEW, CUR):
            for name in os.listdir(f"{self.path}/{place}"):
                base, colon, info = name.partition(":")
                self._found[base] = FileRow(0, place, base, colon + info)
