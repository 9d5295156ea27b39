"""
Looking at a message's file for the first time.
"""

from __future__ import annotations

import os
import stat

from mailsuite.store.content import bare_line_feeds
from mailsuite.store.locating import Locator
from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.maildir import TMP, MessageName
from mailsuite.store.rows import FileRow

#: A message with its size on the wire and its internal date.
Measured = tuple[FileRow, int, int]


def measured(mailbox: MailboxFolder, file: FileRow) -> Measured | None:
    """
    Measure a message, wherever it is by now; None if the file is none, or has
    gone.
    """
    found: list[Measured | None] = []
    Locator(mailbox).use(
        file, lambda there: found.append(_measured(mailbox, there))
    )
    return found[0] if found else None


def _measured(mailbox: MailboxFolder, file: FileRow) -> Measured | None:
    path = f"{mailbox.path}/{file.path}"
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        warn(mailbox, file, "is no file")
        return None
    if status.st_size == 0:
        warn(mailbox, file, "is empty")
    size = status.st_size
    try:
        size += _bare_line_feeds(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        warn(mailbox, file, f"cannot be read ({error.strerror})")
    stated = MessageName(file.base).size
    if stated is not None and stated != status.st_size:
        warn(mailbox, file, "has another size than its name says")
    return file, size, int(status.st_mtime)


def _bare_line_feeds(path: str) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return bare_line_feeds(descriptor)
    finally:
        os.close(descriptor)


def set_aside(mailbox: MailboxFolder, file: FileRow) -> bool:
    """
    Move a message out of sight that a crash left in part.

    :return: whether it is such a one.
    """
    account, path = mailbox.account, f"{mailbox.path}/{file.path}"
    try:
        octets = os.stat(path).st_size
        if not MessageName(file.base).is_torn(octets):
            return False
        account.changing()
        account.disk.rename(path, f"{mailbox.path}/{TMP}/{file.base}")
    except FileNotFoundError:
        return False
    warn(mailbox, file, "was left in part by a crash, and is in tmp")
    return True


def warn(mailbox: MailboxFolder, file: FileRow, what: str) -> None:
    """
    Say something of a file, once.
    """
    if file.base not in mailbox.warned:
        mailbox.warned.add(file.base)
        mailbox.log.warn(
            "{path} {what}", path=f"{mailbox.path}/{file.path}", what=what
        )
