"""
The transfer room on a memory store and a folder of the test, for tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from mailsuite.disk import Disk
from mailsuite.errors import MailError
from mailsuite.interfaces import AccountRecord, IMailboxService
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.mail.uids import UID
from mailsuite.transfer.attempt import LocalAttempt
from mailsuite.transfer.local import LocalDelivery
from mailsuite.transfer.queue import Queue
from mailsuite.transfer.queueids import QueueIds
from mailsuite.transfer.reception import Limits, Reception, Transaction
from mailsuite.transfer.room import Room
from mailsuite.transfer.spool import Spool
from tests.support.memory_content import MemoryIncoming
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_store import MemoryStore

T = TypeVar("T")

#: A Tuesday, 12:00 UTC.
NOON = 1795521600.0

MX = Origin("ESMTP", "mx", "192.0.2.7", "crepes.fr", our_name="hamburger.edu")
SUBMISSION = Origin(
    "ESMTPSA",
    "submission",
    "192.0.2.7",
    "laptop",
    user="bob@hamburger.edu",
    our_name="hamburger.edu",
)
LMTP = Origin("LMTP", "lmtp", helo="localhost", our_name="hamburger.edu")


def at_once(work: Callable[[], T]) -> Deferred[T]:
    """
    A pool that has no threads.
    """
    try:
        return succeed(work())
    except Exception:  # noqa: BLE001 - it is handed on whole
        failed: Deferred[T] = Deferred()
        failed.errback(Failure())
        return failed


@implementer(IMailboxService)
class MoodyStore(MemoryStore):
    """
    A store in memory, some of whose accounts take nothing.

    :ivar moods: what an account's number brings, instead of its copy.
    :ivar incomings: all places for content that were given.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(now)
        self.moods: dict[int, MailError] = {}
        self.incomings: list[MemoryIncoming] = []

    async def incoming(self, expected: int | None) -> MemoryIncoming:
        """
        A place for content.
        """
        incoming = await super().incoming(expected)
        self.incomings.append(incoming)
        return incoming

    async def deliver(
        self, content: MemoryIncoming, accounts: Sequence[AccountRecord]
    ) -> tuple[MailError | None, ...]:
        """
        Put one message into the INBOX of each account that is not moody.
        """
        results: list[MailError | None] = []
        for record in accounts:
            mood = self.moods.get(record.number)
            if mood is None:
                (mood,) = await super().deliver(content, [record])
            results.append(mood)
        return tuple(results)


@dataclass
class Transferring:
    """
    Reception, local delivery and the queue together.

    :param folder: of the queue; may hold one already.
    """

    folder: str
    disk: Disk = field(default_factory=Disk)
    clock: Clock = field(default_factory=Clock)
    directory: MemoryDirectory = field(
        default_factory=lambda: MemoryDirectory("hamburger.edu")
    )
    store: MoodyStore | None = None
    limits: Limits = field(default_factory=Limits)
    free: int = 10**9

    def __post_init__(self) -> None:
        if not self.clock.seconds():
            self.clock.advance(NOON)
        if self.store is None:
            self.store = MoodyStore(self.clock.seconds)
        self.spool = Spool(self.disk, self.folder)
        ids = QueueIds(self.spool, self.clock, at_once)
        self.queue = Queue(
            self.spool,
            LocalAttempt(self.spool, self.directory, self.store, at_once),
            ids,
            self.clock,
            at_once,
        )
        self.reception = Reception(
            self.directory,
            self.store,
            LocalDelivery(self.store, self.queue),
            self.clock,
            ids=ids,
            room=Room(lambda: self.free, 10**6, self.clock, at_once),
            default_domain="hamburger.edu",
            limits=self.limits,
        )

    def start(self) -> Transferring:
        """
        Make the queue ready.
        """
        now(self.queue.start())
        return self

    def begin(
        self,
        *recipients: str,
        reverse_path: str | None = "alice@crepes.fr",
        origin: Origin = MX,
        owns: Callable[[Address], bool] | None = None,
    ) -> Transaction:
        """
        A transaction with these recipients.
        """
        path = Address.parse(reverse_path) if reverse_path else None
        transaction = now(self.reception.begin(origin, Sender(path), owns))
        for recipient in recipients:
            now(transaction.add_recipient(Recipient(Address.parse(recipient))))
        return transaction

    def inbox(self, record: AccountRecord) -> list[bytes]:
        """
        The messages in an account's INBOX.
        """
        assert self.store is not None
        return now(_inbox(self.store, record))


async def _inbox(store: MemoryStore, record: AccountRecord) -> list[bytes]:
    account = await store.account(record)
    mailbox = await account.mailbox("INBOX")
    found = []
    for uid in mailbox.messages.uids:
        content = await mailbox.open(UID(uid))
        found.append(await content.read(0, content.size))
    mailbox.release()
    account.release()
    return found


def now(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    What a coroutine returns or raises that never waits.
    """
    results: list[T] = []
    failures: list[Failure] = []
    Deferred.fromCoroutine(coroutine).addCallbacks(
        results.append, failures.append
    )
    if failures:
        failures[0].raiseException()
    assert results, "it waits"
    return results[0]


def write(transaction: Transaction, octets: bytes) -> None:
    """
    Write a piece, and wait if that is asked for.
    """
    written = transaction.write(octets)
    if written is not None:
        now(_wait(written))


async def _wait(written: Awaitable[None]) -> None:
    await written
