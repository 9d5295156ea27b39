"""
One open mailbox: its messages in memory, its changes told, its steps asked for.

Implementation notes

- One object a mailbox, shared by all sessions: 100 sessions on a large mailbox
  have its arrays once.
- Only what the lane committed changes the arrays, in the order of its steps;
  so who waits for a step finds its effect here when the answer comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from mmap import mmap
from typing import TYPE_CHECKING, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailsuite.disk import as_mail_error
from mailsuite.errors import NoSuchMessage
from mailsuite.interfaces import (
    IContent,
    IIncoming,
    IMailbox,
    IMailboxListener,
)
from mailsuite.mail.changes import (
    Added,
    Expunged,
    FlagsChanged,
    MailboxDeleted,
    MailboxRenamed,
)
from mailsuite.mail.flags import MOST_KEYWORDS, FlagMode, FlagNames
from mailsuite.mail.mailboxes import (
    Appended,
    ChangesSince,
    Copied,
    FlagsStored,
)
from mailsuite.mail.query import Key
from mailsuite.mail.uids import UID, ModSeq, UIDSet
from mailsuite.store import adding, copying, flagging, reading
from mailsuite.store.broker import Broker
from mailsuite.store.content import mapped, open_cached, open_slowly
from mailsuite.store.deltas import Deleted, Delta, News, Renamed
from mailsuite.store.incoming import Incoming
from mailsuite.store.mailboxfolder import MailboxFolder
from mailsuite.store.maildir import folder_of
from mailsuite.store.messages import merge, without
from mailsuite.store.rendering import Renderings
from mailsuite.store.searching import search

if TYPE_CHECKING:
    from mailsuite.store.account import Account

T = TypeVar("T")

#: How many files' paths are fetched at once, and how many are kept.
_PATHS_AT_ONCE = 512
_PATHS_KEPT = 2048

#: More ranges of UIDs than this are read as one.
_FEW_RANGES = 64


@implementer(IMailbox)
class Mailbox:
    """
    A mailbox that somebody has open, or had lately.

    :param opened: as the lane found it.
    """

    def __init__(
        self, account: Account, name: str, opened: reading.Opened
    ) -> None:
        self.name = name
        self.mailbox_id = opened.mailbox_id
        self.uidvalidity = opened.uidvalidity
        self.uidnext = UID(opened.uidnext)
        self.highestmodseq = ModSeq(opened.highestmodseq)
        self.flag_names = FlagNames(opened.keywords)
        self.first_recent = opened.first_recent
        assert opened.messages is not None
        self.messages = opened.messages
        self.users = 0
        self._account = account
        self._broker = Broker()
        self._paths: dict[int, str] = {}
        self._claimed = False
        self._unwatch: Callable[[], None] | None = None
        self._renderings = Renderings(self, account)

    @property
    def takes_keywords(self) -> bool:
        """
        See ``IMailbox``.
        """
        return sum(map(bool, self.flag_names.keywords)) < MOST_KEYWORDS

    def release(self) -> None:
        """
        See ``IMailbox``.
        """
        if self._claimed:
            self._claimed = False
            self._paths.clear()
            self.run_behind(self._settle)
        self._account.released_mailbox(self)

    def _settle(self, folder: MailboxFolder) -> None:
        folder.row.first_recent = max(
            folder.row.first_recent, self.first_recent
        )
        folder.unsaved = True
        flagging.settle(folder)

    def listen(self, listener: IMailboxListener) -> ModSeq:
        """
        See ``IMailbox``.
        """
        self._broker.listen(listener)
        if self._unwatch is None:
            self._unwatch = self._account.watch(self.name, self._look_soon)
        return self.highestmodseq

    def unlisten(self, listener: IMailboxListener) -> None:
        """
        See ``IMailbox``.
        """
        self._broker.unlisten(listener)
        if not self._broker and self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def _look_soon(self) -> None:
        self._account.look_behind(self)

    def claim_recent(self) -> UIDSet:
        """
        See ``IMailbox``.
        """
        uids = self.messages.uids
        start = len(uids)
        while start and uids[start - 1] >= self.first_recent:
            start -= 1
        if start < len(uids):
            self.first_recent = uids[-1] + 1
            self._claimed = True
        return UIDSet.of(uids[start:])

    # Steps

    def run(self, work: Callable[[MailboxFolder], T]) -> Awaitable[T]:
        """
        Make a step of the lane in this mailbox's folder.

        :raises NoSuchMailbox: it was deleted.
        """
        mailbox_id = self.mailbox_id
        return self._account.run(
            lambda account: work(account.by_id(mailbox_id))
        )

    def run_behind(self, work: Callable[[MailboxFolder], object]) -> None:
        """
        The same for what nobody waits for.
        """
        mailbox_id = self.mailbox_id
        self._account.run_behind(
            lambda account: work(account.by_id(mailbox_id))
        )

    async def look(self) -> None:
        """
        See ``IMailbox``.
        """
        if await self.run(reading.look):
            self._account.changed(self)

    async def verify(self) -> None:
        """
        Also of what hides behind changes of our own.
        """
        await self.run(reading.verify)

    def verify_behind(self) -> None:
        """
        The same, with nobody waiting for it.
        """
        self.run_behind(reading.verify)

    async def append(
        self,
        content: IIncoming,
        flags: Iterable[str] = (),
        internal_date: float | None = None,
    ) -> Appended:
        """
        See ``IMailbox``.
        """
        assert isinstance(content, Incoming)
        mailbox_id = self.mailbox_id
        return await content.during(
            self._account.gather(
                ("append", mailbox_id),
                lambda account, appends: adding.append(
                    account.by_id(mailbox_id), appends
                ),
                adding.Append(content, tuple(flags), internal_date),
            )
        )

    async def store(
        self,
        uids: UIDSet,
        mode: FlagMode,
        flags: Iterable[str],
        unchanged_since: ModSeq | None = None,
    ) -> FlagsStored:
        """
        See ``IMailbox``.
        """
        names = tuple(flags)
        return await self.run(
            lambda folder: flagging.store(
                folder, uids, mode, names, unchanged_since
            )
        )

    async def expunge(self, uids: UIDSet | None = None) -> UIDSet:
        """
        See ``IMailbox``.
        """
        return await self.run(lambda folder: flagging.expunge(folder, uids))

    async def remove(self, uids: UIDSet) -> UIDSet:
        """
        Remove messages for good, whatever their flags.
        """
        return await self.run(
            lambda folder: flagging.remove(folder, folder.rows_of(uids.ranges))
        )

    async def copy(self, uids: UIDSet, destination: str) -> Copied:
        """
        See ``IMailbox``.
        """
        folder = folder_of(destination)
        return await self.run(lambda own: copying.copy(own, uids, folder))

    async def move(self, uids: UIDSet, destination: str) -> Copied:
        """
        See ``IMailbox``.
        """
        folder = folder_of(destination)
        return await self.run(lambda own: copying.move(own, uids, folder))

    # Reading

    async def open(self, uid: UID) -> IContent:
        """
        See ``IMailbox``.
        """
        place = self.messages.place(uid)
        if place is None:
            raise NoSuchMessage
        size = self.messages.sizes[place]
        try:
            path = self._paths.get(uid) or await self._path(uid)
            try:
                return await self._open(path, size)
            except FileNotFoundError:
                # What moved it has most likely moved others too.
                self._paths.clear()
            try:
                return await self._open(await self._path(uid), size)
            except FileNotFoundError:
                path = await self._path(uid, check=True)
                return await self._open(path, size)
        except FileNotFoundError as error:
            raise NoSuchMessage from error
        except OSError as error:
            raise as_mail_error(error) from error

    async def _open(self, path: str, size: int) -> IContent:
        pool, disk = self._account.pool, self._account.disk
        content = open_cached(path, size, pool)
        if content is None:
            content = await pool.run(lambda: open_slowly(path, disk, pool))
        return content

    async def _path(self, uid: int, *, check: bool = False) -> str:
        """
        Where a message's file is.

        :param check: it is not where it was thought to be.
        """
        last = uid if check else uid + _PATHS_AT_ONCE - 1
        paths = await self.file_paths(UIDSet(((uid, last),)), check=check)
        if len(self._paths) + len(paths) > _PATHS_KEPT:
            self._paths.clear()
        self._paths.update(paths)
        if uid not in paths:
            raise NoSuchMessage
        return paths[uid]

    async def file_paths(
        self, uids: UIDSet, *, check: bool = False
    ) -> dict[int, str]:
        """
        Where these messages' files are; nothing of those that are gone.

        :param check: they are not where they were thought to be.
        """
        if len(uids.ranges) > _FEW_RANGES:
            uids = UIDSet(((uids.ranges[0][0], uids.ranges[-1][1]),))
        return await self.run(
            lambda folder: reading.paths(folder, uids, check=check)
        )

    def whole(self, path: str) -> bytes | mmap:
        """
        See ``searching.Searched``.
        """
        return mapped(path, self._account.disk)

    def in_pool(self, work: Callable[[], T], /) -> Deferred[T]:
        """
        Call what blocks in a thread, beside the lane.
        """
        return self._account.pool.run(work)

    async def renderings(
        self, name: str, uids: Sequence[int]
    ) -> list[bytes | None]:
        """
        See ``IMailbox``.
        """
        return await self._renderings.get(name, uids)

    async def search(self, key: Key) -> UIDSet:
        """
        See ``IMailbox``.
        """
        return await search(self, key)

    async def changes_since(self, modseq: ModSeq) -> ChangesSince:
        """
        See ``IMailbox``.
        """
        vanished, complete = await self.run(
            lambda folder: reading.vanished_since(folder, modseq)
        )
        messages = self.messages
        changed = UIDSet.of(
            uid
            for uid, changed in zip(
                messages.uids, messages.modseqs, strict=True
            )
            if changed > modseq
        )
        return ChangesSince(changed, vanished, complete)

    async def save_dates(self, uids: Sequence[int]) -> list[int]:
        """
        See ``IMailbox``.
        """
        wanted = tuple(uids)
        return await self.run(lambda folder: reading.save_dates(folder, wanted))

    # What the lane committed

    def take(self, news: News) -> None:
        """
        Take over what was committed, and tell the listeners.
        """
        if news.modseq <= self.highestmodseq and not (
            isinstance(news, Delta) and news.whole
        ):
            return
        match news:
            case Delta():
                self._take_delta(news)
            case Renamed():
                self.name = news.name
                self._broker.tell(
                    MailboxRenamed(news.name, ModSeq(news.modseq))
                )
            case Deleted():
                self._account.forget_mailbox(self)
                self._broker.tell(MailboxDeleted(ModSeq(news.modseq)))

    def _take_delta(self, news: Delta) -> None:
        if news.uidvalidity != self.uidvalidity:
            # RFC 9051 2.3.1.1: it is another mailbox to every session.
            self._account.forget_mailbox(self)
            self._broker.tell(MailboxDeleted(ModSeq(news.modseq)))
            return
        known = self.flag_names.keywords
        self.flag_names = FlagNames(news.keywords)
        if self.users:
            self._account.changed(self)
        self.uidnext = UID(news.uidnext)
        self.highestmodseq = modseq = ModSeq(news.modseq)
        rows, expunged = news.rows, news.expunged
        if news.whole:
            rows, expunged = self._differences(news)
        new_keywords = known != news.keywords
        self.messages, added, flagged = merge(self.messages, rows)
        if added:
            self._broker.tell(Added(UIDSet.of(added), modseq))
        if flagged or new_keywords:
            self._forget_paths(flagged)
            self._broker.tell(
                FlagsChanged(UIDSet.of(flagged), modseq, new_keywords)
            )
        if expunged:
            self._forget_paths(expunged)
            self.messages = without(self.messages, expunged)
            self._broker.tell(Expunged(UIDSet.of(expunged), modseq))

    def _differences(
        self, news: Delta
    ) -> tuple[list[tuple[int, int, int, int, int]], list[int]]:
        """
        What of all messages differs from those in memory.
        """
        messages = self.messages
        before = dict(zip(messages.uids, messages.flags, strict=True))
        rows = []
        for row in news.rows:
            flags = before.pop(row[0], None)
            if flags == row[1]:
                place = messages.place(row[0])
                assert place is not None
                messages.modseqs[place] = row[2]
            else:
                rows.append(row)
        return rows, sorted(before)

    def _forget_paths(self, uids: Iterable[int]) -> None:
        for uid in uids:
            self._paths.pop(uid, None)
