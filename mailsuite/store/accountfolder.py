"""
An account's folder as the steps of its lane see it: locked, recovered, with
the index open.

Implementation notes

- Used by one thread at a time, the one that works off the account's lane.
- The order of every step: message files, folders synced, uidlist and keywords,
  index commit, tell and answer.  So nothing that anybody was told depends on
  the index.
- A step that failed half-way leaves doubt: each mailbox is then compared with
  its maildir, whole, before anything else is done in it.
- What other processes committed is read from the index, as changes since the
  last modseq seen here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from twisted.logger import Logger

from mailsuite.disk import Disk, as_mail_error
from mailsuite.errors import (
    MailError,
    StoreBusy,
    StoreFull,
    StoreUnavailable,
)
from mailsuite.interfaces import AccountRecord, IRenderer
from mailsuite.mail.uids import ModSeq
from mailsuite.mail.uniqueids import UniqueIdFormat
from mailsuite.store.database import IndexBroken, remove_database
from mailsuite.store.deltas import Deleted, News, Renamed
from mailsuite.store.dotlock import Dotlocks
from mailsuite.store.hold import AccountHold
from mailsuite.store.index import Index
from mailsuite.store.intent import Intents
from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.mailboxfolders import MailboxFolders
from mailsuite.store.maildir import Names, mailbox_of
from mailsuite.store.modseq import CleanMark, ModSeqs
from mailsuite.store.quota import Use
from mailsuite.store.recovery import recover
from mailsuite.store.scan import look
from mailsuite.store.settings import Settings
from mailsuite.store.suspended import Suspension, glance

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tools:
    """
    What all accounts' folders work with.

    :param now: seconds since 1970.
    """

    disk: Disk
    dotlocks: Dotlocks
    names: Names
    now: Callable[[], float]
    renderers: dict[str, IRenderer]
    unique_ids: UniqueIdFormat


class AccountFolder:
    """
    One account on the disk.

    :ivar mailboxes: those that the index knows, by their folders' names.
    :ivar looks: how often new messages were found, here or elsewhere.
    :ivar epoch: raised whenever all mailboxes must be compared whole.
    """

    log = Logger()

    def __init__(self, record: AccountRecord, tools: Tools) -> None:
        self.record = record
        self.tools = tools
        self.disk = tools.disk
        self.maildir = record.maildir
        self.mailboxes = MailboxFolders(self)
        self.epoch = 0
        self.use = Use(self)
        self.modseqs = ModSeqs(self._path("modseq"), self.disk, tools.now)
        self.settings = Settings(
            self._path("settings.sqlite3"), record.number, self.disk
        )
        self.intents = Intents(self._path("intent"), self.disk)
        self._clean = CleanMark(self._path("clean"), self.disk)
        self._hold: AccountHold | None = None
        self._index: Index | None = None
        self._news: list[News] = []
        self._seen = 0
        self.looks = 0
        self.suspension = Suspension(self, self._path("index.sqlite3"))
        self._changed = False
        self._doubtful = False

    def _path(self, name: str) -> str:
        return os.path.join(self.record.home, name)

    @property
    def index(self) -> Index:
        """
        The index; only within ``holding``.
        """
        assert self._index is not None
        return self._index

    @property
    def is_open(self) -> bool:
        """
        Whether descriptors and a database are open.
        """
        return self._index is not None

    @property
    def is_clean(self) -> bool:
        """
        Whether nothing was changed since an orderly close.
        """
        return self._index is None and not self._changed

    # What the lane calls

    @contextmanager
    def holding(self) -> Iterator[None]:
        """
        The account is ours and in order.

        :raises StoreBusy: another process has it.
        :raises StoreFull, StoreUnavailable: it cannot be put in order.
        """
        try:
            if self._hold is None:
                self.disk.make_folders(self.record.home)
                self._hold = AccountHold(self.record.home)
            self._hold.take()
        except OSError as error:
            raise self._as_mail_error(error) from error
        try:
            with self._guarded():
                self._put_in_order()
            yield
        finally:
            self._hold.give()

    def step(self, work: Callable[[], T]) -> T:
        """
        Make one step, and leave doubt if it fails.

        :raises MailError: in place of what the system and SQLite raise.
        """
        with self._guarded():
            if self._index is None or self._doubtful:
                # An earlier step of this turn failed.
                self._put_in_order()
            result = work()
        assert self._hold is not None
        self._hold.set_clean()
        return result

    def take_news(self) -> list[News]:
        """
        What was committed since the last call.
        """
        news, self._news = self._news, []
        return news

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except MailError as error:
            self._after(error)
            raise
        except IndexBroken as error:
            self.log.warn(
                "The index of {account} is broken and is made anew: {error}",
                account=self.record.address,
                error=str(error),
            )
            self._forget_index()
            raise StoreUnavailable from error
        except OSError as error:
            self.doubt()
            raise self._as_mail_error(error) from error
        except Exception:
            self.doubt()
            raise

    def _after(self, error: MailError) -> None:
        """
        Where files may be half-changed, leave doubt.
        """
        assert self._hold is not None
        if isinstance(error, StoreBusy) or not error.temporary:
            self._hold.set_clean()
        elif self._hold.dirty:
            self.doubt()

    def _as_mail_error(self, error: OSError) -> MailError:
        self.log.warn(
            "The folder of {account} failed: {error}",
            account=self.record.address,
            error=str(error),
        )
        return as_mail_error(error)

    def doubt(self) -> None:
        """
        Compare all with the maildir before the next step.
        """
        self._doubtful = True
        self.use.forget()
        self.suspension.forget()
        self._close_index()

    # In order

    def _put_in_order(self) -> None:
        if self._index is not None and (
            self._index.read_only or not self._is_same_index()
        ):
            self._close_index()
        if self._index is None:
            self._open_index()
            if self._doubtful:
                self.index.check()
        assert self._hold is not None
        if self._doubtful or self._hold.left_dirty:
            self._recover()
        modseq, epoch = self.index.standing()
        if modseq != self._seen or epoch > self.epoch:
            self._catch_up(modseq, epoch)
        if self.suspension.pending:
            self.suspension.bring_up()

    def _is_same_index(self) -> bool:
        try:
            return os.stat(self.index.path).st_ino == self.index.inode
        except FileNotFoundError:
            return False

    def _open_index(self) -> None:
        assert self._hold is not None
        untouched = self.suspension.end() and not self._doubtful
        index = Index(
            self._path("index.sqlite3"), self.record.number, self.disk
        )
        alone = self._hold.alone()
        self._index = index
        modseq, epoch = index.standing()
        if untouched and (modseq, epoch) == (self._seen, self.epoch):
            # What is in memory is right, and may be ahead.
            return
        # What another process lost in a crash of the system, so did we.
        remembered = 0 < self._seen <= modseq
        certain = not index.fresh and (
            remembered or not alone or self._clean.matches(modseq, index.inode)
        )
        self.modseqs.start(max(modseq, self.modseqs.last), certain=certain)
        self.mailboxes.load()
        self.epoch = max(epoch, self.epoch)
        # If we had it open before, what came since is told.
        self._seen = self._seen or modseq
        if not certain:
            self._recover()

    def _recover(self) -> None:
        """
        Have every mailbox compared whole, and finish or undo what was begun.
        """
        assert self._hold is not None
        self.changing()
        # What is in memory may be ahead of the index.
        self.mailboxes.load()
        self.epoch += 1
        recover(self)
        try:
            with self.commit():
                pass
        except StoreFull:
            # The mailboxes can be read; it is tried again at the next step.
            self._doubtful = True
        else:
            self._doubtful = False
        self._hold.set_clean()

    def compare_later(self) -> None:
        """
        A mailbox could not be compared: go on with what the index has.
        """
        self.mailboxes.load()
        self._doubtful = True

    def _catch_up(self, modseq: int, epoch: int) -> None:
        """
        Take notice of what another process committed.
        """
        since = self._seen
        self._seen = modseq
        self.epoch = max(epoch, self.epoch)
        self.modseqs.last = max(self.modseqs.last, modseq)
        self.use.forget()
        before = {m.row.guid: f for f, m in self.mailboxes.items()}
        self.mailboxes.load()
        for folder, mailbox in self.mailboxes.items():
            row = mailbox.row
            name = mailbox_of(folder)
            if before.pop(row.guid, folder) != folder and name is not None:
                self.tell(Renamed(row.guid, row.highestmodseq, name))
            elif row.highestmodseq > since:
                mailbox.tell_since(since)
        for guid in before:
            self.tell(Deleted(guid, modseq))

    # What steps use

    def changing(self) -> None:
        """
        Files are about to be changed; before the first change of a step.
        """
        assert self._hold is not None
        self._clean.remove()
        self._changed = True
        self._hold.set_dirty()

    @contextmanager
    def commit(self) -> Iterator[None]:
        """
        What is written to the index inside is committed on return.
        """
        with self.index.transaction():
            yield
            self.index.set_standing(self.modseqs.last, self.epoch)
        self._seen = self.modseqs.last

    def commit_done(self, write: Callable[[], None]) -> None:
        """
        Write to the index what the files say already, durably: if it has no
        room for that, it is brought up from them later.
        """
        try:
            with self.commit():
                write()
        except StoreFull:
            self.log.warn(
                "The index of {account} has no room, and is behind",
                account=self.record.address,
            )
            self._doubtful = True

    @property
    def is_doubtful(self) -> bool:
        """
        Whether all must be compared with the maildir before the next step.
        """
        return self._doubtful

    def next_modseq(self) -> ModSeq:
        """
        For the change that is being made.
        """
        return self.modseqs.next()

    def tell(self, news: News) -> None:
        """
        Something is committed.
        """
        self._news.append(news)

    def mailbox(self, folder: str) -> MailboxFolder:
        """
        The mailbox in this folder, known to the index from here on.

        :raises NoSuchMailbox: there is no such folder, or it is a mere level.
        """
        return self.mailboxes.at(folder)

    def by_id(self, mailbox_id: str) -> MailboxFolder:
        """
        The mailbox with this id, compared whole if that is due.

        :raises NoSuchMailbox: it was deleted.
        """
        mailbox = self.mailboxes.by_id(mailbox_id)
        if mailbox.is_stale:
            look(mailbox)
        return mailbox

    def glance(self, mailbox_id: str) -> bool:
        """
        Whether a mailbox is as it was, as far as can be told without holding
        the account.
        """
        mailbox = self.mailboxes.known(mailbox_id)
        return mailbox is not None and not mailbox.is_stale and glance(mailbox)

    # Closing

    def suspend(self) -> None:
        """
        Let go of all descriptors for now.
        """
        if self._index is not None:
            self._close_index()
            self.suspension.begin()
        self.let_go()

    def holding_only(self, hold: AccountHold, work: Callable[[], T]) -> T:
        """
        Make a step that needs no index.

        :param hold: taken.
        """
        self._hold = hold
        try:
            with self._guarded():
                return work()
        finally:
            if not self._doubtful:
                hold.set_clean()
            self._hold = None

    def close(self) -> None:
        """
        Let go of all, and mark the index as whole.

        Called within ``holding``.
        """
        index = self.index
        for mailbox in self.mailboxes.values():
            if mailbox.unverified and os.path.isdir(mailbox.path):
                look(mailbox, verify=True)
        self._save_seen()
        modseq = self.index.standing()[0]
        inode = index.inode
        self._close_index()
        if self._changed or not self._clean.matches(modseq, inode):
            self._clean.write(modseq, inode)
        self._changed = False

    def let_go(self) -> None:
        """
        Close the locks, after ``close``.
        """
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def _save_seen(self) -> None:
        unsaved = [m for m in self.mailboxes.values() if m.unsaved]
        if unsaved:
            with self.commit():
                for mailbox in unsaved:
                    mailbox.save()

    def _close_index(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    def _forget_index(self) -> None:
        self._close_index()
        self.suspension.forget()
        with suppress(OSError):
            remove_database(self._path("index.sqlite3"), self.disk)
