r"""
Steps that change flags, and that take messages away.

Implementation notes

- Flags are letters in file names: all are renamed, then the folders are synced
  once, then the index is committed.  After a crash the names win.
- A message with flags stands in ``cur``.
- A file that is not where the index says was renamed by somebody: its base
  name is looked up again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from mailsuite.mail.flags import DELETED_BIT, FlagMode
from mailsuite.mail.mailboxes import FlagsStored
from mailsuite.mail.uids import MAXIMUM, ModSeq, UIDSet
from mailsuite.store.locating import Locator
from mailsuite.store.mailboxfolder import EXPUNGES_KEPT, MailboxFolder
from mailsuite.store.maildir import CUR, NEW, MessageName
from mailsuite.store.rows import FileRow, MessageRow

EVERY_UID = UIDSet(((1, MAXIMUM),))


def store(
    mailbox: MailboxFolder,
    uids: UIDSet,
    mode: FlagMode,
    flags: Sequence[str],
    unchanged_since: ModSeq | None,
) -> FlagsStored:
    """
    Change flags; see ``IMailbox.store``.

    :raises OSError: some may be changed; the next look tells which.
    """
    keywords = mailbox.row.keywords
    bits = (
        mailbox.flag_names.bits(flags)
        if mode is FlagMode.REMOVE
        else mailbox.bits(flags)
    )
    rows = mailbox.rows_of(uids.ranges)
    refused = [
        row[0]
        for row in rows
        if unchanged_since is not None and row[2] > unchanged_since
    ]
    if refused:
        without = set(refused)
        rows = [row for row in rows if row[0] not in without]
    changing = [row for row in rows if _changed(row[1], mode, bits) != row[1]]
    files = mailbox.files_of(uids.ranges)
    # If there is no room for it, nothing must have been changed.
    modseq = mailbox.account.next_modseq() if changing else None
    renamed = _rename(
        mailbox,
        [files[row[0]] for row in changing],
        lambda before: _changed(before, mode, bits),
    )
    changed = [row for row in changing if row[0] in renamed]
    if changed or keywords != mailbox.row.keywords:
        _commit(mailbox, modseq, changed, renamed)
    lost = {row[0] for row in changing if row[0] not in renamed}
    stood = UIDSet.of(row[0] for row in rows if row[0] not in lost)
    unchanged = UIDSet.of(refused)
    return FlagsStored(
        UIDSet.of(row[0] for row in changed),
        unchanged,
        uids - stood - unchanged,
        ModSeq(mailbox.row.highestmodseq),
    )


def _changed(before: int, mode: FlagMode, bits: int) -> int:
    match mode:
        case FlagMode.ADD:
            return before | bits
        case FlagMode.REMOVE:
            return before & ~bits
        case FlagMode.REPLACE:
            return bits


#: Files that were renamed, by UID, each with its flags.
_Renamed = dict[int, tuple[FileRow, int]]


def _rename(
    mailbox: MailboxFolder,
    files: Sequence[FileRow],
    changed: Callable[[int], int],
) -> _Renamed:
    """
    Give files their names with other flags; durable on return.

    :param changed: the flags that come of those that a name has.
    :return: those that were there.
    """
    renamed: _Renamed = {}
    if not files:
        return renamed
    disk, path = mailbox.account.disk, mailbox.path
    touched: set[str] = set()
    locator = Locator(mailbox)

    def rename(old: FileRow) -> None:
        name = MessageName.parse(old.base + old.info)
        flags = changed(name.flags)
        info = str(name.with_flags(flags))[len(old.base) :]
        new = FileRow(old.uid, CUR, old.base, info, old.extra)
        disk.rename(f"{path}/{old.path}", f"{path}/{new.path}")
        touched.update((old.place, CUR))
        renamed[old.uid] = new, flags

    mailbox.in_new = None
    with mailbox.own_change(CUR, NEW):
        for file in files:
            locator.use(file, rename)
        disk.sync(folders=[f"{path}/{place}" for place in sorted(touched)])
    return renamed


def _commit(
    mailbox: MailboxFolder,
    modseq: ModSeq | None,
    changed: Sequence[MessageRow],
    renamed: _Renamed,
) -> None:
    account, row = mailbox.account, mailbox.row
    modseq = modseq or account.next_modseq()
    row.highestmodseq = modseq
    flags = [(before[0], renamed[before[0]][1]) for before in changed]
    files = [file for file, _ in renamed.values()]

    def write() -> None:
        account.index.set_flags(row.mailbox, row.highestmodseq, flags)
        account.index.set_names(row.mailbox, files)
        mailbox.save()

    account.commit_done(write)
    mailbox.delta(
        [
            (uid, renamed[uid][1], modseq, size, date)
            for uid, _, _, size, date in changed
        ]
    )


def settle(mailbox: MailboxFolder) -> None:
    """
    Move to ``cur`` what a session was told of.

    Nothing depends on it: the folders are not synced.
    """
    account, path = mailbox.account, mailbox.path
    moved: list[FileRow] = []
    files = [
        file
        for file in account.index.new_files(mailbox.row.mailbox)
        if file.uid < mailbox.row.first_recent
    ]
    if not files:
        return
    mailbox.in_new = None
    with mailbox.own_change(NEW, CUR):
        for file in files:
            new = replace(file, place=CUR, info=file.info or ":2,")
            try:
                account.disk.rename(f"{path}/{file.path}", f"{path}/{new.path}")
            except FileNotFoundError:
                continue
            moved.append(new)

    def write() -> None:
        account.index.set_names(mailbox.row.mailbox, moved)
        mailbox.save()

    account.commit_done(write)


def expunge(mailbox: MailboxFolder, uids: UIDSet | None) -> UIDSet:
    r"""
    Remove the messages with \Deleted, of ``uids`` alone if given.

    :raises OSError: some may be gone; the next look tells which.
    """
    ranges = (EVERY_UID if uids is None else uids).ranges
    rows = mailbox.rows_of(ranges)
    if mailbox.account.is_doubtful:
        # The index is behind, on a full disk: what to remove, names tell.
        flags = _flags_in_names(mailbox, ranges)
        going = [x for x in rows if flags.get(x[0], 0) & DELETED_BIT]
    else:
        going = [x for x in rows if x[1] & DELETED_BIT]
    return remove(mailbox, going)


def _flags_in_names(
    mailbox: MailboxFolder, ranges: Sequence[tuple[int, int]]
) -> dict[int, int]:
    """
    The flags of messages as their files' names have them.
    """
    names = (
        MessageName.parse(name)
        for place in (NEW, CUR)
        for name in os.listdir(f"{mailbox.path}/{place}")
    )
    flags = {name.base: name.flags for name in names}
    files = mailbox.files_of(ranges)
    return {uid: flags.get(file.base, 0) for uid, file in files.items()}


def remove(mailbox: MailboxFolder, going: Sequence[MessageRow]) -> UIDSet:
    """
    Remove messages for good, whatever their flags; durable on return.
    """
    if not going:
        return UIDSet()
    gone = UIDSet.of(row[0] for row in going)
    # If there is no room for it, nothing must have been removed.
    modseq = mailbox.account.next_modseq()
    unlink(mailbox, gone)
    commit_removal(mailbox, going, modseq)
    return gone


def unlink(mailbox: MailboxFolder, uids: UIDSet) -> None:
    """
    Unlink the files of messages; durable on return.
    """
    disk, path = mailbox.account.disk, mailbox.path
    touched: set[str] = set()
    locator = Locator(mailbox)

    def unlink_one(file: FileRow) -> None:
        disk.unlink(f"{path}/{file.path}")
        touched.add(file.place)

    mailbox.in_new = None
    with mailbox.own_change(CUR, NEW):
        for file in mailbox.files_of(uids.ranges).values():
            locator.use(file, unlink_one)
        disk.sync(folders=[f"{path}/{place}" for place in sorted(touched)])


def commit_removal(
    mailbox: MailboxFolder, going: Sequence[MessageRow], modseq: ModSeq
) -> None:
    """
    Take messages out of the index whose files are gone, and tell.
    """
    account, row = mailbox.account, mailbox.row
    uids = [message[0] for message in going]
    row.highestmodseq = modseq

    def write() -> None:
        account.index.expunge(row.mailbox, modseq, uids)
        pruned = account.index.prune_expunged(row.mailbox, EXPUNGES_KEPT)
        if pruned is not None:
            row.complete_since = pruned
        mailbox.save()

    account.commit_done(write)
    account.use.add(-sum(message[3] for message in going), -len(going))
    mailbox.delta([], uids)
