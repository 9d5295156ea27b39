"""
Steps that copy and move messages between two mailboxes of an account.

Implementation notes

- A copy is a hard link with a base name of its own; its line in the uidlist
  names the e-mail's id (RFC 8474 5.1), which the two share.
- A move links, and unlinks only once the copies and their UIDs are durable:
  renaming from folder to folder can lose a message in a crash.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from mailsuite.disk import File
from mailsuite.errors import MailError
from mailsuite.mail.flags import FIRST_KEYWORD_BIT
from mailsuite.mail.mailboxes import Copied
from mailsuite.mail.uids import UID, UIDSet
from mailsuite.store.flagging import commit_removal, unlink
from mailsuite.store.intent import CopyIntent, MoveIntent
from mailsuite.store.locating import Locator
from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.maildir import CUR, TMP, MessageName
from mailsuite.store.rows import FileRow, MessageRow
from mailsuite.store.scan import look

_SYSTEM_FLAGS = (1 << FIRST_KEYWORD_BIT) - 1


@dataclass(frozen=True, slots=True)
class _Copy:
    """
    A message and its copy.

    :param flags: in the destination's bits.
    """

    row: MessageRow
    source: FileRow
    name: MessageName
    flags: int

    @property
    def email_id(self) -> str:
        """
        The id that the two share.
        """
        for field in self.source.extra.split():
            if field.startswith("G"):
                return field[1:]
        return self.source.base


def copy(source: MailboxFolder, uids: UIDSet, folder: str) -> Copied:
    """
    Copy messages into the mailbox in ``folder``, all or none.
    """
    destination = source.account.mailbox(folder)
    with destination.uids.locked():
        made = _copy(source, destination, uids)
    return _copied(destination, made)


def _copy(
    source: MailboxFolder, destination: MailboxFolder, uids: UIDSet
) -> list[tuple[_Copy, int]]:
    account = source.account
    copies = _planned(source, destination, uids)
    if not copies:
        return []
    account.use.check(sum(c.row[3] for c in copies), len(copies))
    account.changing()
    account.intents.declare(
        CopyIntent(destination.row.folder, [c.name.base for c in copies])
    )
    made = _make(source, destination, copies)
    try:
        account.intents.fulfilled_for_good()
    except OSError:
        _take_back(destination, [one for one, _ in made])
        raise
    _commit(destination, made)
    return made


def move(source: MailboxFolder, uids: UIDSet, folder: str) -> Copied:
    """
    Move messages into the mailbox in ``folder``.
    """
    destination = source.account.mailbox(folder)
    with destination.uids.locked():
        made = _move(source, destination, uids)
    return _copied(destination, made)


def _move(
    source: MailboxFolder, destination: MailboxFolder, uids: UIDSet
) -> list[tuple[_Copy, int]]:
    account = source.account
    copies = _planned(source, destination, uids)
    if not copies:
        return []
    account.changing()
    account.intents.declare(
        MoveIntent(
            source.row.folder,
            destination.row.folder,
            [(c.source.base, c.name.base, str(c.name)) for c in copies],
        )
    )
    made = _make(source, destination, copies)
    _commit(destination, made)
    going = [copy.row for copy, _ in made]
    modseq = account.next_modseq()
    unlink(source, UIDSet.of(row[0] for row in going))
    account.intents.fulfilled()
    commit_removal(source, going, modseq)
    return made


def _planned(
    source: MailboxFolder, destination: MailboxFolder, uids: UIDSet
) -> list[_Copy]:
    look(destination)
    names = source.account.tools.names
    files = source.files_of(uids.ranges)
    return [
        _Copy(
            row,
            files[row[0]],
            MessageName.parse(
                names.base(_octets(source, files[row[0]], row[3]))
                + files[row[0]].info
            ).with_flags(flags),
            flags,
        )
        for row in source.rows_of(uids.ranges)
        for flags in (_translated(source, destination, row[1]),)
    ]


def _octets(source: MailboxFolder, file: FileRow, size: int) -> int:
    """
    The size of the file, which its name tells: less than on the wire if its
    lines end in LF.
    """
    try:
        return os.stat(f"{source.path}/{file.path}").st_size
    except OSError:
        return size


def _translated(
    source: MailboxFolder, destination: MailboxFolder, flags: int
) -> int:
    """
    The same flags in the other mailbox's bits.
    """
    if flags <= _SYSTEM_FLAGS:
        return flags
    return destination.bits(source.flag_names.names(flags))


def _make(
    source: MailboxFolder,
    destination: MailboxFolder,
    copies: Sequence[_Copy],
) -> list[tuple[_Copy, int]]:
    """
    Make the files and give their UIDs; durable on return.

    :return: the copies whose messages were still there, each with its UID.
    """
    disk = source.account.disk
    folder = f"{destination.path}/{CUR}"
    written: list[File] = []
    made: list[_Copy] = []
    locator = Locator(source)
    with destination.own_change(CUR):
        try:
            for one in copies:
                if _link(locator, destination, one, written):
                    made.append(one)
            disk.sync(files=written, folders=[folder])
            uids = (
                destination.give_uids(
                    [c.name.base for c in made],
                    lambda place: (f"G{made[place].email_id}",),
                )
                if made
                else []
            )
        except (OSError, MailError):
            _take_back(destination, made)
            source.account.intents.fulfilled_for_good()
            raise
        finally:
            for file in written:
                file.close()
    return list(zip(made, uids, strict=True))


def _take_back(destination: MailboxFolder, made: Sequence[_Copy]) -> None:
    """
    Remove copies that were made, as far as that is possible.
    """
    disk, folder = destination.account.disk, f"{destination.path}/{CUR}"
    for one in made:
        with suppress(OSError):
            disk.unlink(f"{folder}/{one.name}")
    with suppress(OSError):
        disk.sync(folders=[folder])


def _link(
    locator: Locator,
    destination: MailboxFolder,
    one: _Copy,
    written: list[File],
) -> bool:
    disk = destination.account.disk
    path = f"{destination.path}/{CUR}/{one.name}"

    def link(file: FileRow) -> None:
        there = f"{locator.path}/{file.path}"
        try:
            disk.hard_link(there, path)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM):
                raise
            written.append(_copied_file(destination, there))
            disk.link(written[-1], path)

    return locator.use(one.source, link)


def _copied_file(destination: MailboxFolder, path: str) -> File:
    file = destination.account.disk.create(f"{destination.path}/{TMP}")
    try:
        with open(path, "rb") as source:
            while piece := source.read(1 << 18):
                file.write(piece)
            file.set_time(os.fstat(source.fileno()).st_mtime)
    except OSError:
        file.close()
        raise
    return file


def _commit(
    destination: MailboxFolder, made: Sequence[tuple[_Copy, int]]
) -> None:
    account, row = destination.account, destination.row
    row.highestmodseq = modseq = account.next_modseq()
    rows: list[MessageRow] = [
        (uid, one.flags, modseq, one.row[3], one.row[4]) for one, uid in made
    ]
    files = [
        FileRow(
            uid,
            CUR,
            one.name.base,
            str(one.name)[len(one.name.base) :],
            f"G{one.email_id}",
        )
        for one, uid in made
    ]

    def write() -> None:
        account.index.add_messages(row.mailbox, rows, files)
        destination.save()

    account.commit_done(write)
    account.use.add(sum(x[3] for x in rows), len(rows))
    destination.delta(rows)


def _copied(
    destination: MailboxFolder, made: Sequence[tuple[_Copy, int]]
) -> Copied:
    return Copied(
        destination.row.uidvalidity,
        tuple(UID(one.row[0]) for one, _ in made),
        tuple(UID(uid) for _, uid in made),
    )
