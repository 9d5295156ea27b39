"""
The one door through which messages come in: who may send what to whom.

Implementation notes

- Where a recipient's copies go is decided when he is named, so that what
  cannot be delivered is refused then, and nobody has to be told later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from mailsuite.disk import as_mail_error
from mailsuite.errors import (
    MessageTooLarge,
    NoSuchRecipient,
    OverQuota,
    SenderRefused,
    StoreFull,
)
from mailsuite.interfaces import (
    AccountRecord,
    IDirectory,
    IMailboxService,
    IReception,
)
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Envelope, Origin, Recipient, Sender
from mailsuite.transfer.checks import Examination, Examined
from mailsuite.transfer.content import MemoryBudget
from mailsuite.transfer.handover import HandOver
from mailsuite.transfer.queue import Queue
from mailsuite.transfer.queueids import QueueIds
from mailsuite.transfer.reportreturns import ReportReturns
from mailsuite.transfer.room import Room
from mailsuite.transfer.router import (
    Routed,
    completed,
    routed_elsewhere,
    routed_here,
)
from mailsuite.transfer.signatures import Signatures
from mailsuite.transfer.srs import NotOurs, SenderRewriting
from mailsuite.transfer.threads import InPool
from mailsuite.transfer.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How much of everything is taken.

    :param size: octets of a message, as the client sends it.
    :param recipients: of one transaction; RFC 5321 4.5.3.1.8 wants 100.
    :param hops: hosts that a message may have passed (RFC 5321 6.3).
    :param memory: octets of all messages on their way in that are held in
        memory; others are written to files as they come.
    """

    size: int = 50 * 1024 * 1024
    recipients: int = 1000
    hops: int = 100
    memory: int = 64 * 1024 * 1024


#: Begins the checks of a message; None if it is not looked at.
Examine = Callable[[Origin, Sender], Examination | None]

#: Is told what checks came to, for reports.
Noted = Callable[[Envelope, Examined], None]


@implementer(IReception)
class Reception:
    """
    Takes messages, for the accounts here and for elsewhere.

    :param our_names: hosts whose Authentication-Results nobody else may write.
    :param default_domain: of a recipient who is a bare ``postmaster``.
    """

    def __init__(
        self,
        directory: IDirectory,
        mailboxes: IMailboxService,
        queue: Queue,
        clock: IReactorTime,
        *,
        hand_over: HandOver,
        ids: QueueIds,
        room: Room,
        in_pool: InPool,
        examine: Examine,
        noted: Noted,
        signing: Signatures,
        rewriting: SenderRewriting,
        returns: ReportReturns,
        our_names: Collection[str],
        default_domain: str,
        limits: Limits,
    ) -> None:
        self.mailboxes = mailboxes
        self.queue = queue
        self.clock = clock
        self.in_pool = in_pool
        self.noted = noted
        self.signs = signing.wanted
        self.signatures = signing.fields
        self.hand_over = hand_over.hand_over
        self.our_names = our_names
        self.limits = limits
        self.budget = MemoryBudget(limits.memory)
        self._directory = directory
        self._ids = ids
        self._room = room
        self._examine = examine
        self._rewriting = rewriting
        self._returns = returns
        self._default_domain = default_domain

    @property
    def size_limit(self) -> int:
        """
        The most octets that a message may have.
        """
        return self.limits.size

    async def begin(
        self,
        origin: Origin,
        sender: Sender,
        owns: Callable[[Address], bool] | None,
    ) -> Transaction:
        """
        Start a transaction.
        """
        path = sender.reverse_path
        if owns is not None and path is not None and not owns(path):
            raise SenderRefused
        if sender.size is not None and sender.size > self.limits.size:
            raise MessageTooLarge
        if not await self._has_room():
            raise StoreFull
        return Transaction(
            self, self._ids.next_id(), Envelope(origin, sender), owns
        )

    async def expand(self, address: Address) -> tuple[str, ...]:
        """
        As ``IDirectory.expand``.
        """
        return await self._directory.expand(address)

    # --- For transactions -----------------------------------------------------

    def examination(
        self, envelope: Envelope, *, logged_in: bool
    ) -> Examination | None:
        """
        The checks of a message, begun; None if it is not looked at: it was
        submitted, or comes from where we trust.
        """
        origin = envelope.origin
        if logged_in or origin.trusted or origin.listener != "mx":
            return None
        return self._examine(origin, envelope.sender)

    async def route(
        self, recipient: Recipient, envelope: Envelope, *, logged_in: bool
    ) -> Routed:
        """
        Decide where a recipient's copies go.

        :raises NoSuchRecipient, RelayDenied, ExpansionTooLarge:
        """
        address = completed(recipient.forward_path, self._default_domain)
        if not self._directory.is_ours(address.domain):
            may_relay = logged_in or envelope.origin.trusted
            return routed_elsewhere(recipient, may_relay=may_relay)
        if self._returns.is_ours(address):
            if envelope.sender.reverse_path is not None:
                raise NoSuchRecipient
            return Routed(recipient, ())
        back = self._led_back(address, envelope.sender)
        if back is not None:
            return routed_elsewhere(back, may_relay=True)
        try:
            return routed_here(
                recipient, await self._directory.resolve(address)
            )
        except NoSuchRecipient as failure:
            if envelope.origin.listener != "local":
                raise
            return Routed(recipient, (), failure=failure)

    def _led_back(self, address: Address, sender: Sender) -> Recipient | None:
        """
        Whom a bounce to a forwarded message's sender is for.
        """
        if address.domain != self._rewriting.domain:
            return None
        try:
            original = self._rewriting.original(
                address.local_part, self.clock.seconds()
            )
        except NotOurs as fact:
            raise NoSuchRecipient from fact
        if original is None:
            return None
        if sender.reverse_path is not None:
            # Only bounces go back; else we were a relay for everybody.
            raise NoSuchRecipient
        return Recipient(original, notify=frozenset({"NEVER"}))

    async def _has_room(self) -> bool:
        try:
            return await self._room.is_there()
        except OSError as error:
            raise as_mail_error(error) from error

    async def check_room(self, record: AccountRecord, octets: int) -> None:
        """
        See that an account may take one more message of about that size.

        :raises OverQuota: it may not.
        """
        if record.octets_limit is None and record.messages_limit is None:
            return
        account = await self.mailboxes.account(record)
        try:
            quota = await account.quota()
        finally:
            account.release()
        most_octets, most = quota.octets_limit, quota.messages_limit
        if most_octets is not None and quota.octets + octets > most_octets:
            raise OverQuota
        if most is not None and quota.messages >= most:
            raise OverQuota
