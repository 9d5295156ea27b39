"""
The mailbox service: all accounts' mail, and deliveries to any of them.

Implementation notes

- What SMTP's 250 promises is a file in ``new/``: deliveries of all accounts go
  through one committer.  An account that somebody has open then gives the UID
  and tells at once; for the others that is done in a quiet moment, or when
  they are next opened.
- About a hundred accounts have their database open, those used last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from mailsuite.disk import Disk, as_mail_error
from mailsuite.errors import (
    MailError,
    OverQuota,
    StoreBusy,
    StoreUnavailable,
)
from mailsuite.interfaces import (
    AccountRecord,
    IAccount,
    IIncoming,
    IMailboxService,
    IRenderer,
)
from mailsuite.mail.uniqueids import DOVECOTS_DEFAULT, UniqueIdFormat
from mailsuite.store import reading, rendering
from mailsuite.store.account import Account
from mailsuite.store.accountfolder import AccountFolder, Tools
from mailsuite.store.adding import Arrival
from mailsuite.store.caches import (
    MailboxCache,
    OpenAccounts,
    RecentRenderings,
    give_back_memory,
)
from mailsuite.store.committer import Committer, NoMaildir, Placed
from mailsuite.store.dotlock import Dotlocks
from mailsuite.store.incoming import Incoming
from mailsuite.store.mailbox import Mailbox
from mailsuite.store.maildir import MessageName, Names
from mailsuite.store.pool import Pool
from mailsuite.store.quiet import AT_ONCE, QuietMoments
from mailsuite.store.verifying import Verifications
from mailsuite.store.watcher import Watcher

#: How long databases that are closed together take for it, in seconds.
_TIDY_AFTER = 0.5


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """
    What the store may hold.

    :param open_indexes: databases that are open at once.
    :param idle_seconds: a database is closed that nobody used for so long.
    :param messages_in_memory: of mailboxes that nobody has open.
    :param rendered_octets: of renderings that are held in memory.
    """

    open_indexes: int = 100
    idle_seconds: float = 3.0
    messages_in_memory: int = 1_000_000
    rendered_octets: int = 16 * 1024 * 1024


@implementer(IMailboxService)
class MailboxService:
    """
    All accounts' mail.

    :param spool: a folder on the mail's file system, for large content on its
        way in.
    :param clock: for delays.
    :param now: seconds since 1970.
    :param sleep: waits so many seconds, in a thread.
    :param unique_ids: how POP3's are made.
    """

    _log = Logger()

    def __init__(
        self,
        disk: Disk,
        pool: Pool,
        *,
        spool: str,
        clock: IReactorTime,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        renderers: Sequence[IRenderer],
        watcher: Watcher | None,
        limits: StoreLimits,
        unique_ids: UniqueIdFormat = DOVECOTS_DEFAULT,
    ) -> None:
        names = Names(now)
        self.pool = pool
        self.watcher = watcher
        self.tools = Tools(
            disk,
            Dotlocks(disk, now, sleep),
            names,
            now,
            {renderer.name: renderer for renderer in renderers},
            unique_ids,
        )
        self._spool = spool
        self._spool_made = False
        self._clock = clock
        self._committer = Committer(disk, names, pool.post)
        self._accounts: dict[int, Account] = {}
        self._open = OpenAccounts(
            clock,
            limits.open_indexes,
            limits.idle_seconds,
            let_go=self._gone,
            swept=self._tidy_up,
        )
        self.verifications = Verifications(clock)
        self._in_memory = MailboxCache(limits.messages_in_memory)
        self.recent_renderings = RecentRenderings(limits.rendered_octets)
        self._reserved: dict[int, tuple[int, int]] = {}
        self._quiet = QuietMoments(clock, self._take_in)
        self._tidying: IDelayedCall | None = None
        self._closing = False

    # Accounts

    async def account(self, record: AccountRecord) -> IAccount:
        """
        See ``IMailboxService``.
        """
        return await self.open_account(record)

    async def open_account(self, record: AccountRecord) -> Account:
        """
        The same, as what it is.
        """
        if self._closing:
            raise StoreUnavailable
        account = self._accounts.get(record.number)
        if account is not None and not account.is_at(record):
            if account.users:
                # Its folders are elsewhere once the last session has gone.
                raise StoreBusy
            self._open.forget(account)
            self._gone(account)
            account = None
        if account is None:
            account = Account(record, self)
            self._accounts[record.number] = account
        account.update(record)
        account.users += 1
        try:
            await account.prepared()
        except BaseException:
            account.release()
            raise
        return account

    def used(self, account: Account) -> bool:
        """
        A step of this account is about to be made.

        :return: False if the service is being closed: it is not made then.
        """
        if not self._closing:
            self._open.used(account)
        return not self._closing

    def released(self, account: Account) -> None:
        """
        Somebody is done with an account.
        """
        if not account.users and account not in self._open:
            self._gone(account)

    def _gone(self, account: Account) -> None:
        """
        An account is not among those used last.
        """
        if account.users:
            account.suspend()
            return
        if self._accounts.get(account.number) is account:
            del self._accounts[account.number]
        self._in_memory.forget(account)
        Deferred.fromCoroutine(self._close(account)).addErrback(
            lambda failure: self._log.failure(
                "Closing {account}", failure, account=account.address
            )
        )

    def _tidy_up(self) -> None:
        """
        Many accounts were let go; their lanes are about to close databases.
        """
        if self._tidying is None and not self._closing:
            self._tidying = self._clock.callLater(_TIDY_AFTER, self._tidy)

    def _tidy(self) -> None:
        self._tidying = None
        self.pool.submit(give_back_memory)

    def mailbox_used(self, account: Account, mailbox: Mailbox) -> None:
        """
        A mailbox is in memory, and was opened.
        """
        self._in_memory.used(account, mailbox)

    async def pause(self, seconds: float) -> None:
        """
        Let others go on.
        """
        await deferLater(self._clock, seconds)

    # Deliveries

    async def incoming(self, expected: int | None) -> IIncoming:
        """
        See ``IMailboxService``.
        """
        disk = self.tools.disk
        if not self._spool_made:
            try:
                await self.pool.run(lambda: disk.make_folders(self._spool))
            except OSError as error:
                raise as_mail_error(error) from error
            self._spool_made = True
        return Incoming(disk, self.pool, self._spool, expected)

    async def deliver(
        self, content: IIncoming, accounts: Sequence[AccountRecord]
    ) -> tuple[MailError | None, ...]:
        """
        See ``IMailboxService``.
        """
        assert isinstance(content, Incoming)
        self._quiet.delivering()
        results: list[MailError | None] = [None] * len(accounts)
        wanted: list[int] = []
        held: list[Account] = []
        try:
            for place, record in enumerate(accounts):
                try:
                    await self._reserve(content.size, record, held)
                    wanted.append(place)
                except MailError as error:
                    results[place] = error
            await self._deliver(content, accounts, wanted, results)
        finally:
            for account in held:
                self._unreserve(content.size, account.number)
                account.release()
        return tuple(results)

    async def _deliver(
        self,
        content: Incoming,
        accounts: Sequence[AccountRecord],
        wanted: Sequence[int],
        results: list[MailError | None],
    ) -> None:
        missing = await self._deliver_to_trees(
            content, accounts, wanted, results
        )
        made: list[int] = []
        for start in range(0, len(missing), AT_ONCE):
            places = missing[start : start + AT_ONCE]
            failures = await gatherResults(
                [
                    Deferred.fromCoroutine(self._make_tree(accounts[place]))
                    for place in places
                ]
            )
            for place, failure in zip(places, failures, strict=True):
                results[place] = failure
                if failure is None:
                    made.append(place)
        for place in await self._deliver_to_trees(
            content, accounts, made, results
        ):
            results[place] = StoreUnavailable()

    async def _make_tree(self, record: AccountRecord) -> MailError | None:
        """
        Make the maildir of an account that has none; what it failed with is
        given, so that the others' go on.
        """
        try:
            account = await self.open_account(record)
        except MailError as error:
            return error
        account.release()
        return None

    async def _deliver_to_trees(
        self,
        content: Incoming,
        accounts: Sequence[AccountRecord],
        wanted: Sequence[int],
        results: list[MailError | None],
    ) -> list[int]:
        """
        Deliver to those that have a maildir.

        :return: the others.
        """
        records = [accounts[place] for place in wanted]
        awake = self._awake(records)
        looks = {account.number: account.landing() for account in awake}
        missing: list[int] = []
        try:
            placed = await self._placed(content, records)
            for place, result in zip(wanted, placed, strict=True):
                if isinstance(result, NoMaildir):
                    missing.append(place)
                elif isinstance(result, MailError):
                    results[place] = result
                else:
                    record = accounts[place]
                    self._arrived(
                        record, result, content.size, looks.get(record.number)
                    )
        finally:
            for account in awake:
                account.landed()
        return missing

    async def _placed(
        self, content: Incoming, accounts: Sequence[AccountRecord]
    ) -> list[Placed]:
        if not accounts:
            return []
        return await self._committer.deliver(
            content, [record.maildir for record in accounts]
        )

    def _awake(self, accounts: Sequence[AccountRecord]) -> list[Account]:
        """
        Those of the accounts that somebody has open.
        """
        found = (self._accounts.get(record.number) for record in accounts)
        return [x for x in found if x is not None and x.users]

    def _arrived(
        self, record: AccountRecord, base: str, size: int, looks: int | None
    ) -> None:
        account = self._accounts.get(record.number)
        if account is not None and account.users:
            name = MessageName(base)
            account.arrived(Arrival(base, size, name.seconds or 0, looks))
        self._quiet.add(record)

    # Quota

    async def _reserve(
        self, size: int, record: AccountRecord, held: list[Account]
    ) -> None:
        """
        Make sure that a message fits, and keep its room.

        :raises OverQuota: it does not fit.
        """
        if record.octets_limit is None and record.messages_limit is None:
            return
        account = await self.open_account(record)
        try:
            octets, messages = await account.use()
            reserved = self._reserved.get(record.number, (0, 0))
            octets += reserved[0] + size
            messages += reserved[1] + 1
            if (
                record.octets_limit is not None and octets > record.octets_limit
            ) or (
                record.messages_limit is not None
                and messages > record.messages_limit
            ):
                raise OverQuota
        except BaseException:
            account.release()
            raise
        self._reserved[record.number] = (reserved[0] + size, reserved[1] + 1)
        held.append(account)

    def _unreserve(self, size: int, number: int) -> None:
        octets, messages = self._reserved[number]
        if messages == 1:
            del self._reserved[number]
        else:
            self._reserved[number] = (octets - size, messages - 1)

    # UIDs for accounts that nobody has open

    async def _take_in(self, record: AccountRecord) -> None:
        try:
            account = await self.open_account(record)
        except MailError:
            return
        try:
            await account.run(_take_in)
        except MailError:
            return
        finally:
            account.release()

    # Closing

    async def close(self) -> None:
        """
        Make what was begun, and mark all indexes as whole.

        No call may follow; callers have released what they had.
        """
        self._closing = True
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None
        self._quiet.stop()
        self._open.stop()
        self.verifications.stop()
        await self.pool.run(self._committer.stop)
        accounts, self._accounts = list(self._accounts.values()), {}
        for number in range(0, len(accounts), 64):
            await gatherResults(
                [
                    Deferred.fromCoroutine(self._close(account))
                    for account in accounts[number : number + 64]
                ]
            )

    async def _close(self, account: Account) -> None:
        try:
            await account.close()
        except MailError as error:
            self._log.warn(
                "{account} was not closed in order: {error}",
                account=account.address,
                error=error.public,
            )


def _take_in(account: AccountFolder) -> None:
    """
    Give UIDs to what was delivered, and render it.
    """
    inbox = account.mailbox("")
    reading.look(inbox)
    rendering.keep_up(inbox)
