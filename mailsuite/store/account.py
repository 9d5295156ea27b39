"""
One account's mail, open: its lane, its mailboxes in memory, its tree.

Implementation notes

- One object an account, shared by all sessions and kept for a while after the
  last has gone.
- Mailboxes stay in memory as long as somebody has them open, and then while
  there is room; what the lane commits meanwhile is taken over by them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mailsuite.disk import Disk, as_mail_error
from mailsuite.errors import MaildropInUse, MailError, StoreUnavailable
from mailsuite.interfaces import (
    AccountRecord,
    IAccount,
    IMailbox,
    IMaildrop,
    IRenderer,
)
from mailsuite.mail.mailboxes import (
    INBOX,
    MailboxEntry,
    MailboxStatus,
    Quota,
)
from mailsuite.store import adding, reading, tree
from mailsuite.store.accountfolder import AccountFolder
from mailsuite.store.adding import Arrival
from mailsuite.store.lane import Lane
from mailsuite.store.mailbox import Mailbox
from mailsuite.store.maildir import folder_of
from mailsuite.store.maildrop import Maildrop, MaildropLock, drop_entries

if TYPE_CHECKING:
    from mailsuite.store.caches import RecentRenderings
    from mailsuite.store.service import MailboxService

T = TypeVar("T")
ItemT = TypeVar("ItemT")

#: How often and how long a login waits for another session's maildrop.
_MAILDROP_PAUSE = 0.1
_MAILDROP_TRIES = 20


@implementer(IAccount)
class Account:
    """
    An account that somebody has open, or had lately.

    :ivar users: how many have it open.
    """

    _log = Logger()

    def __init__(self, record: AccountRecord, service: MailboxService) -> None:
        self.number = record.number
        self.address = record.address
        self.folder = AccountFolder(record, service.tools)
        self.users = 0
        self.pool = service.pool
        self._service = service
        self._mailboxes: dict[str, Mailbox] = {}
        self._lane = Lane(service.pool, self.folder.holding, self._after_step)
        self._prepared = False
        self._landing = 0
        self._look_then: set[Mailbox] = set()

    @property
    def disk(self) -> Disk:
        """
        The door to the files.
        """
        return self.folder.disk

    @property
    def recent_renderings(self) -> RecentRenderings:
        """
        Those of all accounts that were asked for last.
        """
        return self._service.recent_renderings

    @property
    def renderers(self) -> dict[str, IRenderer]:
        """
        All renderers, by name.
        """
        return self.folder.tools.renderers

    def is_at(self, record: AccountRecord) -> bool:
        """
        Whether its folders are still there.
        """
        ours = self.folder.record
        return (ours.home, ours.maildir) == (record.home, record.maildir)

    def update(self, record: AccountRecord) -> None:
        """
        The directory knows other limits or another address.
        """
        self.address = record.address
        self.folder.record = record

    def release(self) -> None:
        """
        See ``IAccount``.
        """
        self.users -= 1
        self._service.released(self)

    # Steps

    def run(self, work: Callable[[AccountFolder], T]) -> Deferred[T]:
        """
        Make a step of the lane.
        """
        if not self._service.used(self):
            return fail(StoreUnavailable())
        return self._lane.run(lambda: self.folder.step(self._prepare(work)))

    async def prepared(self) -> None:
        """
        On return the account has its usual mailboxes, if it was new.
        """
        if not self._prepared:
            await self.run(lambda folder: None)

    def _prepare(self, work: Callable[[AccountFolder], T]) -> Callable[[], T]:
        """
        The step, with what the first of all does before it.
        """

        def prepared() -> T:
            if not self._prepared:
                tree.prepare(self.folder)
                self._prepared = True
            return work(self.folder)

        return prepared

    def run_behind(self, work: Callable[[AccountFolder], object]) -> None:
        """
        Make a step that nobody waits for.
        """
        self.run(work).addErrback(self._failed_behind)

    def _failed_behind(self, failure: Failure) -> None:
        if failure.check(MailError) is None:
            self._log.failure(
                "Bug in a step of {account}", failure, account=self.address
            )

    def look_behind(self, mailbox: Mailbox) -> None:
        """
        Somebody, maybe we, changed a mailbox's folder.
        """
        if self._landing:
            # It would find what is about to get its UID anyway.
            self._look_then.add(mailbox)
            return
        mailbox_id = mailbox.mailbox_id

        def look(unchanged: bool) -> None:
            self.changed(mailbox)
            if not unchanged:
                mailbox.run_behind(reading.look)

        self._lane.run_bare(lambda: self.folder.glance(mailbox_id)).addCallback(
            look
        ).addErrback(self._failed_behind)

    def gather(
        self,
        kind: tuple[str, ...],
        work: Callable[
            [AccountFolder, Sequence[ItemT]], Sequence[T | Exception]
        ],
        item: ItemT,
    ) -> Deferred[T]:
        """
        Make a step together with all of its kind that wait.
        """
        if not self._service.used(self):
            return fail(StoreUnavailable())

        def gathered(items: list[ItemT]) -> Sequence[T | Exception]:
            return self.folder.step(
                self._prepare(lambda folder: work(folder, items))
            )

        return self._lane.gather(kind, gathered, item)

    def _after_step(self) -> None:
        news = self.folder.take_news()
        if news:
            self.pool.post(lambda: self._take(news))

    def _take(self, news: Sequence[object]) -> None:
        for item in news:
            mailbox = self._mailboxes.get(item.mailbox_id)  # type: ignore[attr-defined]  # News
            if mailbox is not None:
                mailbox.take(item)  # type: ignore[arg-type]  # News

    def watch(
        self, name: str, changed: Callable[[], None]
    ) -> Callable[[], None] | None:
        """
        Call ``changed`` when somebody changes a mailbox's folder, until the
        result is called.
        """
        if self._service.watcher is None:
            return None
        path = f"{self.folder.maildir}/{folder_of(name)}"
        return self._service.watcher.watch(path.rstrip("/"), changed)

    # Mailboxes

    async def entries(self) -> tuple[MailboxEntry, ...]:
        """
        See ``IAccount``.
        """
        return await self.run(tree.entries)

    async def mailbox(self, name: str) -> IMailbox:
        """
        See ``IAccount``.
        """
        return await self.open_mailbox(name)

    async def open_mailbox(self, name: str) -> Mailbox:
        """
        The same, as what it is.
        """
        folder = folder_of(name)
        known = self._named(name)
        if known is not None:
            # It stays while we look.
            known.users += 1
            try:
                opened = await self.run(
                    lambda account: reading.opened(
                        account.mailbox(folder), with_messages=False
                    )
                )
            finally:
                known.users -= 1
            if self._mailboxes.get(opened.mailbox_id) is known:
                return self._opened(known, opened)
        opened = await self.run(
            lambda account: reading.opened(
                account.mailbox(folder), with_messages=True
            )
        )
        mailbox = self._mailboxes.get(opened.mailbox_id)
        if mailbox is None:
            mailbox = Mailbox(self, name, opened)
            self._mailboxes[mailbox.mailbox_id] = mailbox
        return self._opened(mailbox, opened)

    def _opened(self, mailbox: Mailbox, opened: reading.Opened) -> Mailbox:
        mailbox.users += 1
        if opened.unverified:
            self.changed(mailbox)
        self._service.mailbox_used(self, mailbox)
        return mailbox

    def _named(self, name: str) -> Mailbox | None:
        for mailbox in self._mailboxes.values():
            if mailbox.name == name:
                return mailbox
        return None

    def released_mailbox(self, mailbox: Mailbox) -> None:
        """
        Somebody is done with a mailbox.
        """
        mailbox.users -= 1

    def changed(self, mailbox: Mailbox) -> None:
        """
        A mailbox that somebody has open was changed, and is verified later.
        """
        self._service.verifications.add(mailbox)

    def forget_mailbox(self, mailbox: Mailbox) -> None:
        """
        Keep a mailbox in memory no more.
        """
        if self._mailboxes.get(mailbox.mailbox_id) is mailbox:
            del self._mailboxes[mailbox.mailbox_id]

    async def status(self, name: str) -> MailboxStatus:
        """
        See ``IAccount``.
        """
        folder = folder_of(name)
        known = self._named(name)
        first_recent = known.first_recent if known is not None else 0
        return await self.run(
            lambda account: reading.status(
                account.mailbox(folder), first_recent
            )
        )

    async def create(self, name: str, special_use: str | None = None) -> str:
        """
        See ``IAccount``.
        """
        return await self.run(
            lambda account: tree.create(account, name, special_use)
        )

    async def delete(self, name: str) -> None:
        """
        See ``IAccount``.
        """
        await self.run(lambda account: tree.delete(account, name))

    async def rename(self, old: str, new: str) -> None:
        """
        See ``IAccount``.
        """
        await self.run(lambda account: tree.rename(account, old, new))

    async def subscribe(self, name: str) -> None:
        """
        See ``IAccount``.
        """
        await self.run(lambda account: tree.subscribe(account, name))

    async def unsubscribe(self, name: str) -> None:
        """
        See ``IAccount``.
        """
        await self.run(lambda account: tree.unsubscribe(account, name))

    async def quota(self) -> Quota:
        """
        See ``IAccount``.
        """
        record = self.folder.record
        octets, messages = await self.use()
        return Quota(
            octets, messages, record.octets_limit, record.messages_limit
        )

    async def use(self) -> tuple[int, int]:
        """
        Octets and messages that the account has.
        """
        return await self.run(tree.use)

    async def maildrop(self) -> IMaildrop:
        """
        See ``IAccount``.
        """
        lock = await self._maildrop_lock()
        mailbox: Mailbox | None = None
        try:
            mailbox = await self.open_mailbox(INBOX)
            entries = await mailbox.run(drop_entries)
        except BaseException:
            lock.release()
            if mailbox is not None:
                mailbox.release()
            raise
        self.users += 1
        return Maildrop(mailbox, entries, lock, self.release)

    async def _maildrop_lock(self) -> MaildropLock:
        path = f"{self.folder.record.home}/maildrop.lock"
        # The folder is there once a step was made.
        await self.run(lambda account: None)
        for _ in range(_MAILDROP_TRIES):
            try:
                return MaildropLock(path)
            except BlockingIOError:
                await self._service.pause(_MAILDROP_PAUSE)
            except OSError as error:
                raise as_mail_error(error) from error
        raise MaildropInUse

    # Deliveries

    def landing(self) -> int:
        """
        A message is about to be delivered into INBOX.

        :return: how many looks have found new messages before that.
        """
        self._landing += 1
        return self.folder.looks

    def landed(self) -> None:
        """
        It was, or was refused.
        """
        self._landing -= 1
        if not self._landing:
            mailboxes, self._look_then = self._look_then, set()
            for mailbox in mailboxes:
                self.look_behind(mailbox)

    def arrived(self, arrival: Arrival) -> None:
        """
        A message was delivered into INBOX: it gets its UID, and is told.
        """
        self._lane.gather_bare(
            ("arrive",), self._adopt_suspended, arrival
        ).addCallback(self._adopted, arrival).addErrback(self._failed_behind)

    def _adopt_suspended(self, arrivals: Sequence[Arrival]) -> list[bool]:
        done = self.folder.suspension.adopt(arrivals)
        return [done] * len(arrivals)

    def _adopted(self, done: bool, arrival: Arrival) -> Deferred[None] | None:
        if done:
            return None
        return self.gather(("adopt",), _adopt, arrival)

    # Closing

    def suspend(self) -> None:
        """
        Let go of descriptors and database until the next step.
        """
        self._lane.run_bare(self.folder.suspend).addErrback(self._failed_behind)

    async def close(self) -> None:
        """
        Let go of all, with the index marked as whole.
        """
        if not self.folder.is_clean:
            await self._lane.run(lambda: self.folder.step(self.folder.close))
        await self._lane.run_bare(self.folder.let_go)


def _adopt(
    account: AccountFolder, arrivals: Sequence[Arrival]
) -> Sequence[None]:
    adding.adopt(account.mailbox(""), arrivals)
    return [None] * len(arrivals)
