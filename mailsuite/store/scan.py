"""
Comparing a mailbox's folder with the index.

Implementation notes

- ``new`` is listed before ``cur``, as messages move that way.  A file is gone
  only if a second listing misses it as well: a listing can skip files while
  another program renames.
- A base name in both places is one message if it is one file; else the one in
  ``new`` gets another name, and is a message of its own.  Nothing is unlinked.
- A name that is not UTF-8 or has a line end in it cannot be listed: its message
  gets another.
- A crash may leave a message of ours that was linked and not yet synced, in
  part: nobody was told of it, and it is set aside into ``tmp``.
- A message that comes back after it was expunged gets another UID: the old one
  was told as gone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mailsuite.errors import StoreBusy, StoreFull, StoreUnavailable
from mailsuite.store.listing import Listing
from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.maildir import CUR, NEW, MessageName
from mailsuite.store.measuring import Measured, measured, set_aside, warn
from mailsuite.store.rows import FileRow, MessageRow

#: Names that can stand in a line of the uidlist, and in the index.
_LISTABLE = re.compile("[^:\0-\x1f\x7f\ud800-\udfff][^\n\ud800-\udfff]*")


@dataclass(slots=True)
class _Differences:
    """
    What the folder has that the index has not, and the other way round.
    """

    added: list[FileRow] = field(default_factory=list)
    moved: list[FileRow] = field(default_factory=list)
    gone: list[FileRow] = field(default_factory=list)


def look(mailbox: MailboxFolder, *, verify: bool = False) -> None:
    """
    Bring the index up to what is in the folder.

    Costs four ``stat`` where nobody changed anything.

    :param verify: look for changes that hide behind our own.
    """
    account = mailbox.account
    whole = mailbox.is_stale or (verify and mailbox.unverified)
    times = (mailbox.time_of(NEW), mailbox.time_of(CUR))
    changed_new = whole or times[0] != mailbox.seen.new
    changed_cur = whole or times[1] != mailbox.seen.cur
    changed_uids = whole or not mailbox.uids.unchanged()
    changed_keywords = whole or (
        mailbox.keywords_time() != mailbox.seen.keywords
    )
    if not (changed_new or changed_cur or changed_uids or changed_keywords):
        return
    try:
        with mailbox.uids.locked():
            _Look(mailbox).compare(whole=whole or changed_cur or changed_uids)
    except StoreBusy:
        mailbox.log.warn(
            "{path} is locked by another program, and read later",
            path=mailbox.path,
        )
    except (StoreFull, StoreUnavailable) as error:
        if not mailbox.row.epoch:
            raise
        # What the index has can be read even so.
        mailbox.log.warn(
            "{path} cannot be compared with the index: {error}",
            path=mailbox.path,
            error=error.public,
        )
        account.compare_later()


class _Look:
    """
    One comparison, under the uidlist's lock.
    """

    def __init__(self, mailbox: MailboxFolder) -> None:
        self._mailbox = mailbox
        self._account = mailbox.account
        self._index = mailbox.account.index
        self._listing = Listing(mailbox)
        self._in_new = 0

    def compare(self, *, whole: bool) -> None:
        mailbox = self._mailbox
        # Before the listing: what comes after it is seen the next time.
        times = (mailbox.time_of(NEW), mailbox.time_of(CUR))
        resend = mailbox.is_stale
        keywords = mailbox.read_keywords()
        whole = self._listing.read() or whole
        differences = self._differences(whole=whole)
        if differences is None:
            differences = self._differences(whole=True)
            whole = True
        assert differences is not None
        added = self._with_uids(differences.added)
        mailbox.seen.new = times[0]
        mailbox.in_new = self._in_new
        if whole:
            mailbox.seen.cur = times[1]
            mailbox.row.epoch = self._account.epoch
            mailbox.unverified = False
        if not mailbox.settled(max(times)):
            mailbox.unverified = True
        mailbox.unsaved = True
        self._commit(added, differences, keywords=keywords, resend=resend)
        if whole:
            self._listing.shorten()

    # The folder

    def _differences(self, *, whole: bool) -> _Differences | None:
        """
        Compare; None if ``new`` alone cannot tell.
        """
        mailbox = self._mailbox
        known = (
            self._index.files(mailbox.row.mailbox)
            if whole
            else self._index.new_files(mailbox.row.mailbox)
        )
        places = (NEW, CUR) if whole else (NEW,)
        found = self._found(places)
        result = _Differences()
        by_base = {file.base: file for file in known}
        for base, file in found.items():
            before = by_base.get(base)
            if before is None:
                result.added.append(file)
            elif before.info != file.info or before.place != file.place:
                result.moved.append(replace(file, uid=before.uid))
        missing = by_base.keys() - found.keys()
        if not whole:
            if missing or any(
                self._index.file_of(mailbox.row.mailbox, file.base)
                for file in result.added
            ):
                return None
            return result
        if missing:
            again = self._found(places)
            for base in missing:
                if base not in again:
                    result.gone.append(by_base[base])
        return result

    def _found(self, places: Iterable[str]) -> dict[str, FileRow]:
        found: dict[str, FileRow] = {}
        for place in places:
            names = os.listdir(f"{self._mailbox.path}/{place}")
            if place == NEW:
                self._in_new = len(names)
            for name in names:
                if name.startswith("."):
                    continue
                if not _LISTABLE.fullmatch(name):
                    name = self._named_anew(place, name)
                base, colon, info = name.partition(":")
                file = FileRow(0, place, base, colon + info)
                if base in found:
                    self._sort_out(found, file)
                elif base:
                    found[base] = file
        return found

    def _named_anew(self, place: str, name: str) -> str:
        """
        Another name for a message whose own cannot stand in the uidlist or
        in the index; empty if it is no message.
        """
        folder = f"{self._mailbox.path}/{place}"
        try:
            status = os.lstat(f"{folder}/{name}")
            if not stat.S_ISREG(status.st_mode):
                return ""
            base = self._account.tools.names.base(status.st_size)
            flags = MessageName.parse(name).flags
            anew = str(MessageName(base).with_flags(flags))
            self._account.changing()
            self._account.disk.rename(f"{folder}/{name}", f"{folder}/{anew}")
        except FileNotFoundError:
            return ""
        self._account.disk.sync(folders=[folder])
        warn(
            self._mailbox,
            FileRow(0, place, ascii(name), ""),
            f"is now {anew}",
        )
        return anew

    def _sort_out(self, found: dict[str, FileRow], file: FileRow) -> None:
        """
        Two files have one base name.
        """
        other = found[file.base]
        path = self._mailbox.path
        try:
            one = os.stat(f"{path}/{other.path}").st_ino
            two = os.stat(f"{path}/{file.path}").st_ino
        except FileNotFoundError:
            # It was moved while we listed.
            found[file.base] = file
            return
        if one == two:
            found[file.base] = file
            return
        base = self._account.tools.names.base(
            os.stat(f"{path}/{other.path}").st_size
        )
        anew = FileRow(0, other.place, base, other.info)
        self._account.changing()
        disk = self._account.disk
        disk.rename(f"{path}/{other.path}", f"{path}/{anew.path}")
        disk.sync(folders=[f"{path}/{other.place}"])
        found[file.base] = file
        found[base] = anew

    # Messages that are new to the index

    def _with_uids(self, added: list[FileRow]) -> list[Measured]:
        """
        Give each its UID, and measure it.
        """
        mailbox = self._mailbox
        if added:
            self._account.looks += 1
            # A line of old may name it.
            self._listing.read_whole()
        listed, unlisted = self._sorted_by_list(added)
        known = [
            message
            for file in listed
            if (message := measured(mailbox, file)) is not None
        ]
        fresh = [
            message
            for file in unlisted
            if not set_aside(mailbox, file)
            and (message := measured(mailbox, file)) is not None
        ]
        mailbox.row.uidnext = max(mailbox.row.uidnext, mailbox.uids.uidnext)
        if fresh:
            self._account.changing()
            uids = mailbox.give_uids(
                [file.base for file, _, _ in fresh], lambda _: ()
            )
            fresh = [
                (replace(file, uid=uid), size, date)
                for uid, (file, size, date) in zip(uids, fresh, strict=True)
            ]
        return known + fresh

    def _sorted_by_list(
        self, added: list[FileRow]
    ) -> tuple[list[FileRow], list[FileRow]]:
        """
        Those that the list names, by rising UIDs; and the others, in the
        order of their arrival.
        """
        listed: list[FileRow] = []
        unlisted: list[FileRow] = []
        stale: list[str] = []
        for file in added:
            line = self._listing.lines.get(file.base)
            if line is None:
                unlisted.append(file)
            elif line.uid < self._mailbox.row.uidnext and (
                not self._listing.void
            ):
                stale.append(file.base)
                unlisted.append(file)
            else:
                fields = " ".join(line.fields)
                listed.append(replace(file, uid=line.uid, extra=fields))
        if stale:
            self._listing.drop(stale)
        listed.sort(key=lambda file: file.uid)
        unlisted.sort(key=lambda file: MessageName(file.base).arrival)
        return listed, unlisted

    # The index

    def _commit(
        self,
        added: list[Measured],
        differences: _Differences,
        *,
        keywords: bool,
        resend: bool,
    ) -> None:
        mailbox, row = self._mailbox, self._mailbox.row
        reflagged, renamed = self._flags_of(differences.moved)
        gone = sorted(file.uid for file in differences.gone)
        with self._account.commit():
            if not (added or reflagged or gone or keywords or resend):
                self._index.set_names(row.mailbox, renamed)
                mailbox.save()
                return
            row.highestmodseq = modseq = self._account.next_modseq()
            rows: list[MessageRow] = [
                (file.uid, _flags(file), modseq, size, date)
                for file, size, date in added
            ]
            self._index.add_messages(
                row.mailbox, rows, [file for file, _, _ in added]
            )
            self._index.set_flags(row.mailbox, modseq, reflagged)
            self._index.set_names(row.mailbox, renamed)
            self._index.expunge(row.mailbox, modseq, gone)
            if self._listing.void:
                row.first_recent = min(
                    (file.uid for file, _, _ in added if file.place == NEW),
                    default=row.uidnext,
                )
            mailbox.save()
        self._account.use.forget()
        if resend:
            mailbox.delta(self._index.messages(row.mailbox), whole=True)
            return
        for uid, _ in reflagged:
            rows += self._index.messages_between(row.mailbox, uid, uid)
        rows.sort()
        mailbox.delta(rows, gone)

    def _flags_of(
        self, moved: list[FileRow]
    ) -> tuple[list[tuple[int, int]], list[FileRow]]:
        """
        Which of the renamed files have other flags.
        """
        mailbox = self._mailbox
        reflagged: list[tuple[int, int]] = []
        for file in moved:
            [row] = self._index.messages_between(
                mailbox.row.mailbox, file.uid, file.uid
            )
            flags = _flags(file)
            if row[1] != flags:
                reflagged.append((file.uid, flags))
        return reflagged, moved


def _flags(file: FileRow) -> int:
    return MessageName.parse(file.base + file.info).flags
