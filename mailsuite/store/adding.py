"""
Steps that add messages to a mailbox.

Implementation notes

- Many appends that wait for one mailbox are one step: one sync of files and
  folder, one of the uidlist, one commit.
- What was delivered is in ``new/`` and durable when it comes here; it gets its
  UID, and is told.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mailsuite.disk import File, as_mail_error
from mailsuite.errors import MailError
from mailsuite.mail.mailboxes import Appended
from mailsuite.mail.uids import UID
from mailsuite.store.incoming import Incoming
from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.maildir import CUR, NEW, TMP, MessageName
from mailsuite.store.rows import FileRow, MessageRow
from mailsuite.store.scan import look


@dataclass(frozen=True, slots=True)
class Append:
    """
    One message to be added.

    :param internal_date: seconds since 1970, None is the present.
    """

    content: Incoming
    flags: tuple[str, ...]
    internal_date: float | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    A message that was delivered into ``new/``.

    :param seconds: when, since 1970.
    :param looks: the account's number of looks that gave UIDs, when the
        delivery began; None if nobody had the account open then.
    """

    base: str
    size: int
    seconds: int
    looks: int | None


@dataclass(slots=True)
class _Placed:
    """
    A message that has its name.
    """

    name: MessageName
    file: File
    content: Incoming
    flags: int
    seconds: int


def append(
    mailbox: MailboxFolder, appends: Sequence[Append]
) -> list[Appended | Exception]:
    """
    Add messages; one that fails alone leaves the others be.

    :raises OSError: none was kept.
    """
    results: list[Appended | Exception] = []
    placed: list[_Placed] = []
    with mailbox.uids.locked(), _listed(mailbox), mailbox.own_change(CUR):
        octets = 0
        for item in appends:
            try:
                mailbox.account.use.check(
                    octets + item.content.size, len(placed) + 1
                )
                placed.append(_place(mailbox, item))
                octets += item.content.size
                results.append(Appended(0, ()))
            except OSError as error:
                results.append(as_mail_error(error))
            except MailError as error:
                results.append(error)
        try:
            uids = _make_durable(mailbox, placed) if placed else []
        finally:
            for one in placed:
                if one.file is not one.content.shared:
                    one.file.close()
    if placed:
        _commit(mailbox, uids, placed)
    given = iter(uids)
    return [
        Appended(mailbox.row.uidvalidity, (UID(next(given)),))
        if isinstance(result, Appended)
        else result
        for result in results
    ]


@contextmanager
def _listed(mailbox: MailboxFolder) -> Iterator[None]:
    """
    What others put on the list is taken over first: its UIDs are lower.
    """
    if not mailbox.uids.unchanged():
        look(mailbox)
    yield


def _place(mailbox: MailboxFolder, item: Append) -> _Placed:
    account = mailbox.account
    disk = account.disk
    flags = mailbox.bits(item.flags)
    size = item.content.size
    file = _written(mailbox, item)
    try:
        seconds = item.internal_date
        if seconds is None:
            seconds = account.tools.now()
        file.set_time(seconds)
        while True:
            base = account.tools.names.base(size)
            name = MessageName(base).with_flags(flags)
            try:
                disk.link(file, f"{mailbox.path}/{CUR}/{name}")
            except FileExistsError:
                continue
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EMLINK):
                    raise
                # Not closed: it is the content's own.
                file = item.content.copy(disk, f"{mailbox.path}/{TMP}")
                file.set_time(seconds)
                disk.link(file, f"{mailbox.path}/{CUR}/{name}")
            return _Placed(name, file, item.content, flags, int(seconds))
    except OSError:
        if file is not item.content.shared:
            file.close()
        raise


def _written(mailbox: MailboxFolder, item: Append) -> File:
    """
    A file with the content that nobody else's date depends on.
    """
    disk = mailbox.account.disk
    octets = item.content.octets
    if octets is None:
        if item.content.taken:
            return item.content.copy(disk, f"{mailbox.path}/{TMP}")
        item.content.taken = True
        return item.content.file()
    file = disk.create(f"{mailbox.path}/{TMP}")
    try:
        file.write(octets)
    except OSError:
        file.close()
        raise
    return file


def _make_durable(
    mailbox: MailboxFolder, placed: Sequence[_Placed]
) -> list[int]:
    disk = mailbox.account.disk
    folder = f"{mailbox.path}/{CUR}"
    try:
        disk.sync(files=[one.file for one in placed], folders=[folder])
        return mailbox.give_uids(
            [one.name.base for one in placed], lambda _: ()
        )
    except (OSError, MailError):
        for one in placed:
            with suppress(OSError):
                disk.unlink(f"{folder}/{one.name}")
        with suppress(OSError):
            disk.sync(folders=[folder])
        raise


def _commit(
    mailbox: MailboxFolder, uids: Sequence[int], placed: Sequence[_Placed]
) -> None:
    account, row = mailbox.account, mailbox.row
    row.highestmodseq = modseq = account.next_modseq()
    rows: list[MessageRow] = [
        (uid, one.flags, modseq, one.content.size, one.seconds)
        for uid, one in zip(uids, placed, strict=True)
    ]
    files = [
        FileRow(uid, CUR, one.name.base, str(one.name)[len(one.name.base) :])
        for uid, one in zip(uids, placed, strict=True)
    ]
    _add(mailbox, rows, files)


def adopt(mailbox: MailboxFolder, arrivals: Sequence[Arrival]) -> None:
    """
    Give UIDs to what was delivered, and tell.

    :raises OSError, StoreBusy: it is found by a later look.
    """
    with mailbox.uids.locked(), _listed(mailbox):
        if not unseen(mailbox, arrivals):
            look(mailbox)
            return
        rows, files = give(mailbox, arrivals)
    _add(mailbox, rows, files)


def unseen(mailbox: MailboxFolder, arrivals: Sequence[Arrival]) -> bool:
    """
    Whether no look can have found these messages already.
    """
    looks = mailbox.account.looks
    return all(arrival.looks == looks for arrival in arrivals)


def give(
    mailbox: MailboxFolder, arrivals: Sequence[Arrival]
) -> tuple[list[MessageRow], list[FileRow]]:
    """
    Give UIDs to what was delivered; durable on return, and not yet told.

    Under the uidlist's lock; no look may have found them.
    """
    account, row = mailbox.account, mailbox.row
    with mailbox.own_change(NEW):
        uids = mailbox.give_uids([x.base for x in arrivals], lambda _: ())
    if mailbox.in_new is not None:
        mailbox.in_new += len(arrivals)
    row.highestmodseq = modseq = account.next_modseq()
    rows: list[MessageRow] = [
        (uid, 0, modseq, arrival.size, arrival.seconds)
        for uid, arrival in zip(uids, arrivals, strict=True)
    ]
    files = [
        FileRow(uid, NEW, arrival.base, "")
        for uid, arrival in zip(uids, arrivals, strict=True)
    ]
    return rows, files


def _add(
    mailbox: MailboxFolder, rows: list[MessageRow], files: list[FileRow]
) -> None:
    account = mailbox.account

    def write() -> None:
        account.index.add_messages(mailbox.row.mailbox, rows, files)
        mailbox.save()

    account.commit_done(write)
    account.use.add(sum(row[3] for row in rows), len(rows))
    mailbox.delta(rows)
