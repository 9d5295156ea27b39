"""
The queue on a folder of the test, with hosts elsewhere that do as they are
told, for tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from mailsuite.disk import Disk
from mailsuite.errors import MailError
from mailsuite.interfaces import (
    AccountRecord,
    IContent,
    IIncoming,
    IMailboxService,
)
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.mail.uids import UID
from mailsuite.transfer.arrival import Arrival, Arriving
from mailsuite.transfer.attempt import Contents, LocalAttempt
from mailsuite.transfer.content import MemoryBudget
from mailsuite.transfer.entry import Remote
from mailsuite.transfer.filters import Filter
from mailsuite.transfer.gate import Gate
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.outgoing import Outgoing
from mailsuite.transfer.ownmail import copies
from mailsuite.transfer.queue import Queue, Surroundings
from mailsuite.transfer.queueids import QueueIds
from mailsuite.transfer.schedule import Schedule, Timing
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.telling import Notifying
from mailsuite.transfer.working import Attempts
from tests.support.memory_content import MemoryIncoming
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_store import MemoryStore

T = TypeVar("T")

#: A Tuesday, 12:00 UTC.
NOON = 1795521600.0
MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

ALICE = "alice@hamburger.edu"
BOB = "bob@crepes.fr"
CAROL = "carol@crepes.fr"
DAVE = "dave@pommes.be"

SUBMISSION = Origin(
    "ESMTPSA", "submission", "192.0.2.7", user=ALICE, our_name="hamburger.edu"
)
PICKLES = b"Return-Path: <>\r\nSubject: pickles\r\n\r\nHow about pickles?\r\n"
SKIP = len(b"Return-Path: <>\r\n")

SENT = Outcome(Kind.SENT, "2.0.0", "Taken", code=250, peer="mx [192.0.2.9]:25")
DEFERRED = Outcome(
    Kind.DEFERRED, "4.7.1", "Greylisted", code=451, peer="mx [192.0.2.9]:25"
)
FAILED = Outcome(
    Kind.FAILED, "5.1.1", "No such user", code=550, peer="mx [192.0.2.9]:25"
)


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


class Elsewhere:
    """
    All other hosts.

    :ivar says: what an address comes to; ``SENT`` for those not here.
    :ivar waits: whether nobody is answered before ``answer``.
    :ivar taken: what was sent, with the address.
    :ivar tried: all that was asked for.
    """

    def __init__(self) -> None:
        self.says: dict[str, Outcome] = {}
        self.waits: set[str] = set()
        self.taken: list[tuple[str, bytes]] = []
        self.tried: list[Outgoing] = []
        self.forgotten = 0
        self._pending: list[tuple[str, Deferred[None]]] = []

    async def deliver(self, outgoing: Outgoing) -> dict[int, Outcome]:
        """
        Do as told.
        """
        self.tried.append(outgoing)
        if outgoing.domain in self.waits:
            turn: Deferred[None] = Deferred()
            self._pending.append((outgoing.domain, turn))
            await turn
        octets = outgoing.octets
        if octets is None:
            content = await outgoing.open()
            octets = await content.read(0, content.size)
            content.close()
        outcomes = {}
        for number, recipient in outgoing.recipients:
            address = str(recipient.forward_path)
            outcome = outcomes[number] = self.says.get(address, SENT)
            if outcome.kind is Kind.SENT:
                self.taken.append((address, octets))
        return outcomes

    def answer(self, domain: str) -> None:
        """
        Let those of a domain have their answers.
        """
        self.waits.discard(domain)
        for name, turn in list(self._pending):
            if name == domain:
                self._pending.remove((name, turn))
                turn.callback(None)

    def forget(self, domain: str | None = None) -> None:
        """
        Forget hosts that do not answer.
        """
        self.forgotten += 1

    async def stop(self) -> None:
        """
        Answer whoever waits.
        """
        for domain, _ in list(self._pending):
            self.answer(domain)


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
class Queueing:
    """
    A queue; the world around it outlives it.

    :param folder: of the queue; may hold one already.
    :ivar suspended: logins that may send nothing.
    :ivar doubles: what postmaster was told of messages that failed.
    :ivar troubles: what he was told of our configuration.
    """

    folder: str
    disk: Disk = field(default_factory=Disk)
    clock: Clock = field(default_factory=Clock)
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    directory: MemoryDirectory = field(
        default_factory=lambda: MemoryDirectory("hamburger.edu")
    )
    store: MoodyStore | None = None
    schedule: Schedule = field(default_factory=lambda: Schedule(jitter=0.0))
    suspended: set[str] = field(default_factory=set)
    doubles: list[tuple[str, str, Outcome]] = field(default_factory=list)
    troubles: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.clock.seconds():
            self.clock.advance(NOON)
        if self.store is None:
            self.store = MoodyStore(self.clock.seconds)
        self.spool = Spool(self.disk, self.folder)
        self.ids = QueueIds(self.spool, self.clock, self.in_pool)
        contents = Contents(self.spool, self.in_pool)
        self.gate = Gate()
        self.memory = MemoryBudget(64 * 1024 * 1024)
        self.queue = Queue(
            self.spool,
            self.ids,
            attempts=Attempts(
                LocalAttempt(contents, self.directory, self.store),
                self.elsewhere,
                contents,
                self.gate,
            ),
            notifying=Notifying(
                "hamburger.edu",
                self.route,
                self.sign,
                lambda *given: self.doubles.append(given),
                lambda *given: self.troubles.append(given),
            ),
            timing=Timing(self.clock, self.schedule, lambda: 0.5),
            surroundings=Surroundings(
                self.is_suspended, self.memory, self.in_pool
            ),
        )
        self.operator = self.queue.operator

    def in_pool(self, work: Callable[[], T]) -> Deferred[T]:
        """
        A pool that has no threads.
        """
        return at_once(work)

    async def is_suspended(self, user: str) -> bool:
        """
        Whether a login may send nothing.
        """
        return user in self.suspended

    async def sign(self, content: IContent) -> bytes:
        """
        A signature over a message of ours.
        """
        return b"DKIM-Signature: %d\r\n" % content.size

    async def route(self, recipient: Recipient) -> list[Arriving]:
        """
        Where a notification goes.
        """
        return await copies(recipient, self.directory)

    def start(self) -> Queueing:
        """
        Make the queue ready.
        """
        now(self.queue.start())
        self.clock.advance(0)
        return self

    def again(self) -> Queueing:
        """
        Another one on the same files, in the same world.
        """
        return Queueing(
            self.folder,
            clock=self.clock,
            elsewhere=self.elsewhere,
            directory=self.directory,
            store=self.store,
            suspended=self.suspended,
            doubles=self.doubles,
        )

    def arrival(
        self,
        *recipients: str | Recipient | Arriving,
        reverse_path: str | None = ALICE,
        content: bytes | IIncoming = PICKLES,
        origin_user: str = ALICE,
        **sender: Any,  # whatever Sender has
    ) -> Arrival:
        """
        A message for these.
        """
        path = Address.parse(reverse_path) if reverse_path else None
        return Arrival(
            self.ids.next_id(),
            replace(SUBMISSION, user=origin_user),
            Sender(path, **sender),
            [arriving(x) for x in recipients],
            content,
            skip=SKIP,
        )

    def add(self, *recipients: Any, **given: Any) -> str:
        """
        Queue a message for these.
        """
        arrival = self.arrival(*recipients, **given)
        now(self.queue.add(arrival))
        return arrival.queue_id

    def count(self, wanted: Filter = Filter()) -> int:  # noqa: B008 - frozen
        """
        How many messages the index knows.
        """
        return now(self.operator.count(wanted))

    def inbox(self, record: AccountRecord) -> list[bytes]:
        """
        The messages in an account's INBOX.
        """
        assert self.store is not None
        return now(_inbox(self.store, record))

    def files(self) -> list[str]:
        """
        The files of all shards.
        """
        return sorted(
            name
            for folder, _, names in os.walk(self.folder)
            if folder not in (self.folder, f"{self.folder}/broken")
            for name in names
        )

    def path(self, queue_id: str, suffix: str) -> str:
        """
        One of an entry's files.
        """
        return os.path.join(self.folder, queue_id[:8], f"{queue_id}.{suffix}")


def arriving(one: str | Recipient | Arriving) -> Arriving:
    """
    A copy for somebody elsewhere.
    """
    match one:
        case Arriving():
            return one
        case str():
            return arriving(Recipient(Address.parse(one)))
        case Recipient():
            return Arriving(one, Remote(one.forward_path.domain))


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


class QueueTestCase(SynchronousTestCase):
    """
    Has a queue that was started.
    """

    def setUp(self) -> None:
        self.mail = Queueing(self.mktemp()).start()
        self.clock = self.mail.clock
        self.elsewhere = self.mail.elsewhere

    def again(self) -> None:
        """
        Stop, and start anew from the files.
        """
        now(self.mail.queue.stop())
        self.mail = self.mail.again().start()
