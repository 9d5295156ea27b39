"""
One mailbox's folder as the steps of the lane see it.

Implementation notes

- Used by one thread at a time, within the account's ``holding``.
- A folder's time says whether somebody changed it.  Another change may hide
  behind it if it was less than a second old when the folder was read, or if it
  is that of a change of our own: the folder is then read again some seconds
  later (``unverified``), and whoever opens the index knows no time.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twisted.logger import Logger

from mailsuite.errors import TooManyKeywords
from mailsuite.mail.flags import MOST_KEYWORDS, FlagNames
from mailsuite.store import keywords as keyword_file
from mailsuite.store.deltas import Delta
from mailsuite.store.maildir import NEW, TMP
from mailsuite.store.rows import FileRow, MailboxRow, MessageRow
from mailsuite.store.uidlist import Line, UIDList
from mailsuite.store.uids import UIDs
from mailsuite.store.uidvalidity import next_uidvalidity

if TYPE_CHECKING:
    from mailsuite.store.accountfolder import AccountFolder

#: Expunges of a mailbox that are remembered.
EXPUNGES_KEPT = 100_000

#: How old a time must be for nothing to hide behind it, in nanoseconds.
_SETTLED = 1_000_000_000


@dataclass(slots=True)
class Seen:
    """
    How the folder was when it was last read.

    :ivar new, cur: their times in nanoseconds, 0 where it must be read again.
    :ivar uids: what of the uidlist was read.
    :ivar keywords: the time of the keywords' file.
    """

    new: int = 0
    cur: int = 0
    uids: str = "0:0"
    keywords: int = 0

    @classmethod
    def parse(cls, text: str) -> Seen:
        """
        As ``str`` printed it; of anything else, nothing was seen.
        """
        try:
            new, cur, uids, keywords = text.split(" ")
            return cls(int(new), int(cur), uids, int(keywords))
        except ValueError:
            return cls()

    def __str__(self) -> str:
        return f"{self.new} {self.cur} {self.uids} {self.keywords}"


class MailboxFolder:
    """
    A mailbox on the disk.

    :ivar unsaved: ``row`` has changed and is not in the index yet.
    :ivar unverified: a change of somebody else may hide behind one of ours.
    :ivar in_new: how many files ``new`` has that the index knows, if that is
        known.
    """

    log = Logger()

    def __init__(self, account: AccountFolder, row: MailboxRow) -> None:
        self.account = account
        self.row = row
        self.seen = Seen()
        self.unsaved = False
        self.unverified = False
        self.in_new: int | None = None
        self.warned: set[str] = set()
        self.moved()
        self.reload(row)

    def moved(self) -> None:
        """
        The folder has the name in ``row`` from here on.
        """
        account = self.account
        self.path = (
            os.path.join(account.maildir, self.row.folder)
            if self.row.folder
            else account.maildir
        )
        self.uids = UIDs(self.path, account.disk, account.tools.dotlocks)
        self.uids.trust(self.seen.uids, self.row.uidnext)

    @classmethod
    def found(cls, account: AccountFolder, folder: str) -> MailboxFolder:
        """
        A mailbox that the index does not know: from its uidlist, which is
        made if there is none.
        """
        mailbox = cls(account, MailboxRow(folder, "", 0))
        account.changing()
        mailbox._complete()
        with mailbox.uids.locked():
            listed, faults = mailbox.uids.read()
            if listed is None:
                listed = mailbox.new_uidlist()
                mailbox.uids.rewrite(listed)
            else:
                taken = account.mailboxes.taken(listed.mailbox_id)
                if taken:
                    # A folder that was copied has its original's id.
                    listed.mailbox_id = new_mailbox_id()
                if taken or faults:
                    mailbox.uids.rewrite(listed)
        mailbox.uids.distrust()
        modseq = account.next_modseq()
        mailbox.row = MailboxRow(
            folder,
            listed.mailbox_id,
            listed.uidvalidity,
            uidnext=listed.uidnext,
            highestmodseq=modseq,
            complete_since=modseq,
        )
        with account.commit():
            account.index.save_mailbox(mailbox.row)
        return mailbox

    def _complete(self) -> None:
        """
        Make what a crash, or another program, left out of the folder.
        """
        missing = [
            path
            for place in (NEW, TMP)
            if not os.path.isdir(path := f"{self.path}/{place}")
        ]
        for path in missing:
            self.account.disk.make_folder(path)
        if missing:
            self.account.disk.sync(folders=[self.path])

    def new_uidlist(self) -> UIDList:
        """
        An empty list with a UIDVALIDITY that was never given.
        """
        account = self.account
        uidvalidity = next_uidvalidity(
            account.disk,
            account.maildir,
            account.tools.now(),
            max(
                (m.row.uidvalidity for m in account.mailboxes.values()),
                default=0,
            ),
        )
        return UIDList(uidvalidity, 1, self.row.guid or new_mailbox_id(), [])

    def reload(self, row: MailboxRow) -> None:
        """
        Take over what another process left in the index.
        """
        moved = self.row.folder != row.folder
        self.row = row
        self.seen = Seen.parse(row.seen)
        if moved:
            self.moved()
        self.uids.trust(self.seen.uids, row.uidnext)

    # In the index

    def save(self) -> None:
        """
        Keep the numbers; within a commit.
        """
        self.seen.uids = self.uids.stamp
        seen = self.seen
        if self.unverified:
            # Whoever reads this knows nothing of our own changes.
            seen = Seen(uids=seen.uids, keywords=seen.keywords)
        self.row.seen = str(seen)
        self.account.index.save_mailbox(self.row)
        self.unsaved = False

    @property
    def is_stale(self) -> bool:
        """
        Whether the index was not compared with all of the folder yet.
        """
        return self.row.epoch != self.account.epoch

    @property
    def flag_names(self) -> FlagNames:
        """
        What the bits of flags mean here.
        """
        return FlagNames(self.row.keywords)

    def delta(
        self,
        rows: list[MessageRow],
        expunged: Sequence[int] = (),
        *,
        whole: bool = False,
    ) -> None:
        """
        Tell what was committed.
        """
        row = self.row
        self.account.tell(
            Delta(
                row.guid,
                row.highestmodseq,
                row.uidvalidity,
                row.uidnext,
                row.keywords,
                rows,
                list(expunged),
                whole,
            )
        )

    def tell_since(self, modseq: int) -> None:
        """
        Tell what another process committed after ``modseq``.
        """
        index, mailbox = self.account.index, self.row.mailbox
        if self.row.complete_since > modseq:
            self.delta(index.messages(mailbox), whole=True)
            return
        self.delta(
            index.changed_messages(mailbox, modseq),
            sorted(index.expunged_since(mailbox, modseq)),
        )

    # Changes of our own

    @contextmanager
    def own_change(self, *places: str) -> Iterator[None]:
        """
        Files in these places are changed inside, by us.
        """
        self.account.changing()
        known = [
            place
            for place in places
            if getattr(self.seen, place)
            and getattr(self.seen, place) == self.time_of(place)
        ]
        # Should this fail, the folder is read again.
        for place in places:
            setattr(self.seen, place, 0)
        yield
        for place in known:
            setattr(self.seen, place, self.time_of(place))
        self.unverified = True
        self.unsaved = True

    def time_of(self, place: str) -> int:
        """
        When ``new`` or ``cur`` was last changed, in nanoseconds.
        """
        return os.stat(f"{self.path}/{place}").st_mtime_ns

    def settled(self, time: int) -> bool:
        """
        Whether no other change can bear the same time any more.
        """
        now = self.account.tools.now() * 1_000_000_000
        return now - time > _SETTLED

    # UIDs and keywords

    def give_uids(
        self, bases: Sequence[str], fields: Callable[[int], tuple[str, ...]]
    ) -> list[int]:
        """
        Give the next UIDs to these messages; durable on return.

        Under the list's lock, with the list as it was last read.

        :param fields: of the uidlist's line, for each place in ``bases``.
        """
        first = max(self.uids.uidnext, self.row.uidnext)
        lines = [
            Line(first + place, base, fields(place))
            for place, base in enumerate(bases)
        ]
        self.uids.append(lines)
        self.row.uidnext = first + len(lines)
        self.unsaved = True
        return [line.uid for line in lines]

    def bits(self, flags: Sequence[str]) -> int:
        """
        The number for these flags; new keywords get a letter, durably.

        :raises TooManyKeywords: there is no letter left.
        """
        missing = self.flag_names.missing(flags)
        if missing:
            self._add_keywords(missing)
        return self.flag_names.bits(flags)

    def _add_keywords(self, names: Sequence[str]) -> None:
        self.read_keywords()
        words = list(self._keywords_on_disk())
        for name in self.flag_names.missing(names):
            if "" in words[:MOST_KEYWORDS]:
                words[words.index("")] = name
            elif len(words) < MOST_KEYWORDS:
                words.append(name)
            else:
                raise TooManyKeywords
        self.account.changing()
        self.account.disk.replace(
            f"{self.path}/{keyword_file.NAME}",
            keyword_file.printed(tuple(words)),
        )
        self.row.keywords = tuple(words[:MOST_KEYWORDS])
        self.seen.keywords = self.keywords_time()
        self.unsaved = True

    def read_keywords(self) -> bool:
        """
        Take over the keywords that the file has.

        :return: whether they are other than before.
        """
        self.seen.keywords = self.keywords_time()
        words = self._keywords_on_disk()[:MOST_KEYWORDS]
        if words == self.row.keywords:
            return False
        self.row.keywords = words
        self.unsaved = True
        return True

    def _keywords_on_disk(self) -> tuple[str, ...]:
        """
        All that the file lists, those without a letter too.
        """
        try:
            with open(f"{self.path}/{keyword_file.NAME}", "rb") as file:
                return keyword_file.parse(file.read())
        except FileNotFoundError:
            return ()

    def keywords_time(self) -> int:
        """
        When the file of keywords was changed, 0 if there is none.
        """
        try:
            return os.stat(f"{self.path}/{keyword_file.NAME}").st_mtime_ns
        except FileNotFoundError:
            return 0

    # Messages

    def rows_of(self, ranges: Sequence[tuple[int, int]]) -> list[MessageRow]:
        """
        The messages in these ranges of UIDs.
        """
        index, mailbox = self.account.index, self.row.mailbox
        return [
            row
            for first, last in ranges
            for row in index.messages_between(mailbox, first, last)
        ]

    def files_of(self, ranges: Sequence[tuple[int, int]]) -> dict[int, FileRow]:
        """
        Their files.
        """
        index, mailbox = self.account.index, self.row.mailbox
        return {
            file.uid: file
            for first, last in ranges
            for file in index.files_between(mailbox, first, last)
        }


def new_mailbox_id() -> str:
    """
    An id that no other mailbox has.
    """
    return secrets.token_hex(16)
