"""
Steps that read a mailbox.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from mailsuite.mail.mailboxes import MailboxStatus, Messages
from mailsuite.mail.uids import UID, ModSeq, UIDSet
from mailsuite.store import scan
from mailsuite.store.locating import Locator
from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.maildir import MessageName
from mailsuite.store.messages import (
    loaded,
    merge,
    parsed,
    printed,
    without,
)
from mailsuite.store.rows import FileRow

#: With so many messages, or changes since the last, a snapshot is taken.
SNAPSHOT_FROM = 5_000


@dataclass(frozen=True, slots=True)
class Opened:
    """
    A mailbox as the lane found it.

    :param unverified: the folder must be looked at again.
    :param messages: None if they were not asked for.
    """

    mailbox_id: str
    uidvalidity: int
    uidnext: int
    highestmodseq: int
    first_recent: int
    keywords: tuple[str, ...]
    unverified: bool
    messages: Messages | None


def opened(mailbox: MailboxFolder, *, with_messages: bool) -> Opened:
    """
    Look at the folder, and read the numbers.
    """
    scan.look(mailbox)
    row = mailbox.row
    return Opened(
        row.guid,
        row.uidvalidity,
        row.uidnext,
        row.highestmodseq,
        row.first_recent,
        row.keywords,
        mailbox.unverified,
        _messages(mailbox) if with_messages else None,
    )


def _messages(mailbox: MailboxFolder) -> Messages:
    row, index = mailbox.row, mailbox.account.index
    snapshot = index.snapshot(row.mailbox)
    messages = parsed(snapshot[1]) if snapshot is not None else None
    if snapshot is None or messages is None:
        messages = loaded(index.messages(row.mailbox))
        changes = len(messages)
    else:
        modseq = snapshot[0]
        rows = index.changed_messages(row.mailbox, modseq)
        gone = sorted(index.expunged_since(row.mailbox, modseq))
        if modseq < row.complete_since:
            messages, rows, gone = loaded(index.messages(row.mailbox)), [], []
        messages, _, _ = merge(messages, rows)
        if gone:
            messages = without(messages, gone)
        changes = len(rows) + len(gone)
    if changes >= SNAPSHOT_FROM:
        with mailbox.account.commit():
            index.keep_snapshot(
                row.mailbox, row.highestmodseq, printed(messages)
            )
    return messages


def look(mailbox: MailboxFolder) -> bool:
    """
    Take notice of what others did.

    :return: whether that must be verified.
    """
    scan.look(mailbox)
    return mailbox.unverified


def verify(mailbox: MailboxFolder) -> None:
    """
    Also of what hides behind changes of our own.
    """
    scan.look(mailbox, verify=True)


def status(mailbox: MailboxFolder, first_recent: int) -> MailboxStatus:
    """
    The mailbox in numbers.

    :param first_recent: messages from here on were told to nobody.
    """
    scan.look(mailbox)
    row, index = mailbox.row, mailbox.account.index
    messages, unseen, deleted, size, deleted_size = index.numbers(row.mailbox)
    return MailboxStatus(
        messages=messages,
        recent=index.count_from(
            row.mailbox, max(first_recent, row.first_recent)
        ),
        unseen=unseen,
        deleted=deleted,
        size=size,
        deleted_size=deleted_size,
        uidnext=UID(row.uidnext),
        uidvalidity=row.uidvalidity,
        highestmodseq=ModSeq(row.highestmodseq),
        mailbox_id=row.guid,
    )


def paths(
    mailbox: MailboxFolder, uids: UIDSet, *, check: bool
) -> dict[int, str]:
    """
    Where the files of these messages are.

    :param check: whether they are there is checked.
    """
    files = mailbox.files_of(uids.ranges)
    if check:
        locator = Locator(mailbox)
        files = {
            uid: there
            for uid, file in files.items()
            if (there := _there(locator, file)) is not None
        }
    return {uid: f"{mailbox.path}/{file.path}" for uid, file in files.items()}


def _there(locator: Locator, file: FileRow) -> FileRow | None:
    """
    Where the file is in truth, None if it is gone.
    """
    places: list[FileRow] = []

    def see(there: FileRow) -> None:
        os.stat(f"{locator.path}/{there.path}")
        places.append(there)

    locator.use(file, see)
    return places[0] if places else None


def vanished_since(mailbox: MailboxFolder, modseq: int) -> tuple[UIDSet, bool]:
    """
    What was expunged since, and whether that is all.
    """
    row = mailbox.row
    uids = mailbox.account.index.expunged_since(row.mailbox, modseq)
    return UIDSet.of(uids), modseq >= row.complete_since


def save_dates(mailbox: MailboxFolder, uids: Sequence[int]) -> list[int]:
    """
    When each message came into the mailbox.
    """
    wanted = UIDSet.of(uids)
    files = mailbox.files_of(wanted.ranges)
    dates = {row[0]: row[4] for row in mailbox.rows_of(wanted.ranges)}
    result = []
    for uid in uids:
        seconds = MessageName(files[uid].base).seconds if uid in files else None
        result.append(dates.get(uid, 0) if seconds is None else seconds)
    return result
