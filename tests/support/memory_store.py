"""
Accounts in memory: ``IMailboxService`` and ``IAccount`` for tests.

They pass the contract tests (tests/support/mailbox_contract.py) that the
maildir store passes, less what only a disk can lose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from zope.interface import implementer

from mailsuite.errors import (
    InvalidMailboxName,
    MailboxExists,
    MailboxNotRemovable,
    MaildropInUse,
    MailError,
    NoSuchMailbox,
    UnknownSpecialUse,
)
from mailsuite.interfaces import (
    AccountRecord,
    IAccount,
    IMailboxService,
    IMaildrop,
    IRenderer,
    MaildropEntry,
)
from mailsuite.mail.flags import DELETED, FlagMode
from mailsuite.mail.mailboxes import (
    INBOX,
    SEPARATOR,
    SPECIAL_USES,
    MailboxEntry,
    MailboxStatus,
    Quota,
)
from mailsuite.mail.uids import UID, ModSeq, UIDSet
from tests.support.memory_content import MemoryContent, MemoryIncoming
from tests.support.memory_mailbox import MemoryMailbox

#: What a new account has, besides INBOX.
USUAL = {
    "Archive": "\\Archive",
    "Drafts": "\\Drafts",
    "Junk": "\\Junk",
    "Sent": "\\Sent",
    "Trash": "\\Trash",
}


@implementer(IMailboxService)
class MemoryStore:
    """
    All accounts' mail.

    :param now: seconds since 1970.
    """

    def __init__(
        self, now: Callable[[], float], renderers: Iterable[IRenderer] = ()
    ) -> None:
        self._now = now
        self._renderers = {renderer.name: renderer for renderer in renderers}
        self._accounts: dict[int, MemoryAccount] = {}

    async def account(self, record: AccountRecord) -> MemoryAccount:
        """
        Open an account.
        """
        if record.number not in self._accounts:
            self._accounts[record.number] = MemoryAccount(
                record, self._now, self._renderers
            )
        account = self._accounts[record.number]
        account.update(record)
        account.users += 1
        return account

    async def incoming(self, expected: int | None) -> MemoryIncoming:
        """
        A place for content.
        """
        return MemoryIncoming()

    async def deliver(
        self, content: MemoryIncoming, accounts: Sequence[AccountRecord]
    ) -> tuple[MailError | None, ...]:
        """
        Put one message into the INBOX of each account.
        """
        results: list[MailError | None] = []
        for record in accounts:
            account = await self.account(record)
            try:
                await account.found(INBOX).append(content)
                results.append(None)
            except MailError as why:
                results.append(why)
            finally:
                account.release()
        return tuple(results)


@implementer(IAccount)
class MemoryAccount:
    """
    One account's mail.
    """

    def __init__(
        self,
        record: AccountRecord,
        now: Callable[[], float],
        renderers: dict[str, IRenderer],
    ) -> None:
        self.number = record.number
        self.address = record.address
        self.renderers = renderers
        self.users = 0
        self.maildrop_taken = False
        self._record = record
        self._now = now
        self._modseq = 0
        self._made = 0
        self._levels: set[str] = set()
        self._mailboxes: dict[str, MemoryMailbox] = {}
        self._special: dict[str, str] = {}
        self._subscribed: set[str] = set(USUAL)
        self._make(INBOX)
        for name, use in USUAL.items():
            self._make(name)
            self._special[name] = use

    # -- What mailboxes use --------------------------------------------------

    def now(self) -> float:
        """
        Seconds since 1970.
        """
        return self._now()

    def next_modseq(self) -> ModSeq:
        """
        One above all before.
        """
        self._modseq += 1
        return ModSeq(self._modseq)

    def has_room_for(self, octets: int, messages: int) -> bool:
        """
        Whether the quota allows as much more.
        """
        used_octets, used_messages = self._used()
        most = self._record.octets_limit
        if most is not None and used_octets + octets > most:
            return False
        most = self._record.messages_limit
        return most is None or used_messages + messages <= most

    def found(self, name: str) -> MemoryMailbox:
        """
        A mailbox by its name.
        """
        try:
            return self._mailboxes[name]
        except KeyError:
            raise NoSuchMailbox from None

    def all_mailboxes(self) -> tuple[MemoryMailbox, ...]:
        """
        Every mailbox, for tests to look at.
        """
        return tuple(self._mailboxes.values())

    # -- IAccount ------------------------------------------------------------

    def update(self, record: AccountRecord) -> None:
        """
        Its limits are these from here on.
        """
        self._record = record

    def release(self) -> None:
        """
        The caller is done with this account.
        """
        self.users -= 1

    async def entries(self) -> tuple[MailboxEntry, ...]:
        """
        All mailboxes and all subscribed names.
        """
        there = self._levels | set(self._mailboxes)
        return tuple(
            MailboxEntry(
                name,
                exists=name in there,
                selectable=name in self._mailboxes,
                subscribed=name in self._subscribed,
                special_use=self._special.get(name),
            )
            for name in sorted(
                there | self._subscribed, key=lambda n: (n != INBOX, n)
            )
        )

    async def mailbox(self, name: str) -> MemoryMailbox:
        """
        Open a mailbox.
        """
        mailbox = self.found(name)
        mailbox.users += 1
        return mailbox

    async def status(self, name: str) -> MailboxStatus:
        """
        A mailbox's numbers.
        """
        return self.found(name).status()

    async def create(self, name: str, special_use: str | None = None) -> str:
        """
        Make a mailbox, and the levels above it.
        """
        _check(name)
        if name in self._mailboxes:
            raise MailboxExists
        if special_use is not None and special_use not in SPECIAL_USES:
            raise UnknownSpecialUse
        self._make(name)
        if special_use is not None:
            self._special[name] = special_use
        return self._mailboxes[name].mailbox_id

    async def delete(self, name: str) -> None:
        """
        Remove a mailbox and its messages.
        """
        if name == INBOX or name in self._levels:
            raise MailboxNotRemovable
        mailbox = self.found(name)
        del self._mailboxes[name]
        self._special.pop(name, None)
        if any(other.startswith(name + SEPARATOR) for other in self._names()):
            self._levels.add(name)
        self._drop_empty_levels()
        mailbox.delete()

    async def rename(self, old: str, new: str) -> None:
        """
        Rename a mailbox with all below it.
        """
        _check(new)
        if old not in self._names():
            raise NoSuchMailbox
        if new in self._names():
            raise MailboxExists
        if old == INBOX:
            self._make(new)
            self._mailboxes[new].take_all(self._mailboxes[INBOX])
            return
        if new.startswith(old + SEPARATOR):
            raise InvalidMailboxName
        for name in sorted(self._names()):
            if name == old or name.startswith(old + SEPARATOR):
                self._rename_one(name, new + name[len(old) :])
        self._add_levels(new)
        self._drop_empty_levels()

    async def subscribe(self, name: str) -> None:
        """
        Put a name on the list of subscriptions.
        """
        self._subscribed.add(name)

    async def unsubscribe(self, name: str) -> None:
        """
        Take a name off the list.
        """
        self._subscribed.discard(name)

    async def quota(self) -> Quota:
        """
        What is used, and the limits.
        """
        octets, messages = self._used()
        return Quota(
            octets,
            messages,
            self._record.octets_limit,
            self._record.messages_limit,
        )

    async def maildrop(self) -> MemoryMaildrop:
        """
        INBOX as POP3 sees it.
        """
        if self.maildrop_taken:
            raise MaildropInUse
        self.maildrop_taken = True
        return MemoryMaildrop(self, self.found(INBOX))

    # -- Inside --------------------------------------------------------------

    def _names(self) -> set[str]:
        return self._levels | set(self._mailboxes)

    def _make(self, name: str) -> None:
        self._made += 1
        self._levels.discard(name)
        self._mailboxes[name] = MemoryMailbox(
            self, name, f"M{self.number}-{self._made}", 1000 + self._made
        )
        self._add_levels(name)

    def _add_levels(self, name: str) -> None:
        level = name
        while SEPARATOR in level:
            level = level.rpartition(SEPARATOR)[0]
            if level not in self._mailboxes:
                self._levels.add(level)

    def _drop_empty_levels(self) -> None:
        for level in sorted(self._levels, reverse=True):
            below = level + SEPARATOR
            if not any(name.startswith(below) for name in self._names()):
                self._levels.discard(level)

    def _rename_one(self, old: str, new: str) -> None:
        if old in self._levels:
            self._levels.discard(old)
            self._levels.add(new)
            return
        mailbox = self._mailboxes.pop(old)
        self._mailboxes[new] = mailbox
        if old in self._special:
            self._special[new] = self._special.pop(old)
        mailbox.rename(new)

    def _used(self) -> tuple[int, int]:
        statuses = [mailbox.status() for mailbox in self._mailboxes.values()]
        return sum(s.size for s in statuses), sum(s.messages for s in statuses)


@implementer(IMaildrop)
class MemoryMaildrop:
    """
    INBOX, frozen at the login.
    """

    def __init__(self, account: MemoryAccount, inbox: MemoryMailbox) -> None:
        self._account = account
        self._inbox = inbox
        self._released = False
        self.entries = tuple(
            MaildropEntry(UID(uid), size, f"{uid:08x}v{inbox.uidvalidity:08x}")
            for uid, size in zip(
                inbox.messages.uids, inbox.messages.sizes, strict=True
            )
        )

    async def open(self, uid: UID) -> MemoryContent:
        """
        A message's octets.
        """
        return await self._inbox.open(uid)

    async def delete(self, uids: UIDSet) -> UIDSet:
        """
        Remove for good.
        """
        await self._inbox.store(uids, FlagMode.ADD, (DELETED,))
        await self._inbox.expunge(uids)
        return uids

    def release(self) -> None:
        """
        Let the next session have it.
        """
        if not self._released:
            self._released = True
            self._account.maildrop_taken = False


def _check(name: str) -> None:
    levels = name.split(SEPARATOR)
    if not all(levels) or any(
        "." in level or any(ord(c) < 32 for c in level) for level in levels
    ):
        raise InvalidMailboxName
