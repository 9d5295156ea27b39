"""
Reception, local delivery and the queue on a memory store and a folder of the
test, for tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from twisted.internet.task import Clock

from mailsuite.emailauth.dkimkeys import SigningKey
from mailsuite.interfaces import AccountRecord, IResolver
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Envelope, Origin, Recipient, Sender
from mailsuite.transfer.checks import CheckPolicy, Examination, Examined
from mailsuite.transfer.handover import HandOver
from mailsuite.transfer.local import LocalDelivery
from mailsuite.transfer.reception import Limits, Reception
from mailsuite.transfer.reportreturns import ReportReturns
from mailsuite.transfer.room import Room
from mailsuite.transfer.signatures import Signatures
from mailsuite.transfer.srs import SenderRewriting
from mailsuite.transfer.transaction import Transaction
from tests.support.memory_directory import MemoryDirectory
from tests.support.queueing import (
    Elsewhere,
    MoodyStore,
    Queueing,
    now,
)

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


@dataclass
class Transferring:
    """
    Reception, local delivery and the queue together.

    :param folder: of the queue; may hold one already.
    :param resolver: whom checks ask; None for no checks.
    :ivar keys: that a domain's mail is signed with.
    :ivar noted: what checks came to.
    """

    folder: str
    clock: Clock = field(default_factory=Clock)
    directory: MemoryDirectory = field(
        default_factory=lambda: MemoryDirectory("hamburger.edu")
    )
    store: MoodyStore | None = None
    limits: Limits = field(default_factory=Limits)
    free: int = 10**9
    resolver: IResolver | None = None
    policy: CheckPolicy = field(default_factory=CheckPolicy)
    keys: dict[str, list[SigningKey]] = field(default_factory=dict)
    noted: list[Examined] = field(default_factory=list)
    returned: list[Address] = field(default_factory=list)
    queueing_of: type[Queueing] = Queueing

    def __post_init__(self) -> None:
        self.queueing = self.queueing_of(
            self.folder,
            clock=self.clock,
            directory=self.directory,
            store=self.store,
        )
        self.store = store = self.queueing.store
        assert store is not None
        in_pool = self.queueing.in_pool
        self.queue = self.queueing.queue
        self.spool = self.queueing.spool
        rewriting = SenderRewriting([b"key"], "hamburger.edu")
        self.returns = ReportReturns([b"key"], "hamburger.edu")
        self.signing = Signatures(
            lambda domain: self.keys.get(domain, []),
            sealer="hamburger.edu",
            our_name="hamburger.edu",
            now=self.clock.seconds,
        )
        self.reception = Reception(
            self.directory,
            store,
            self.queue,
            self.clock,
            hand_over=HandOver(
                store,
                LocalDelivery(store, self.queue),
                self.queue,
                self.directory,
                self.clock,
                rewriting,
                self.returned.append,
            ),
            ids=self.queueing.ids,
            room=Room(lambda: self.free, 10**6, self.clock, in_pool),
            in_pool=in_pool,
            examine=self.examine,
            noted=self.note,
            signing=self.signing,
            rewriting=rewriting,
            returns=self.returns,
            our_names=("hamburger.edu",),
            default_domain="hamburger.edu",
            limits=self.limits,
        )

    @property
    def elsewhere(self) -> Elsewhere:
        """
        All other hosts.
        """
        return self.queueing.elsewhere

    def examine(self, origin: Origin, sender: Sender) -> Examination | None:
        """
        Begin the checks, if there is a resolver for them.
        """
        if self.resolver is None:
            return None
        return Examination(
            self.resolver,
            self.clock,
            self.policy,
            origin,
            sender,
            self.queueing.in_pool,
        )

    def note(self, envelope: Envelope, found: Examined) -> None:
        """
        Keep what the checks came to.
        """
        self.noted.append(found)

    def start(self) -> Transferring:
        """
        Make the queue ready.
        """
        self.queueing.start()
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
        return self.queueing.inbox(record)


def write(transaction: Transaction, octets: bytes) -> None:
    """
    Write a piece, and wait if that is asked for.
    """
    written = transaction.write(octets)
    if written is not None:
        now(_wait(written))


async def _wait(written: Awaitable[None]) -> None:
    await written
