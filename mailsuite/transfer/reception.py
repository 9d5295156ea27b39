"""
The one door through which messages come in: who may send what to whom.

Implementation notes

- Whom a recipient's mail goes to is decided when he is named, so that what
  cannot be delivered is refused then, and nobody has to be told later.
- What is wrong with the content is remembered and told at its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from mailsuite.disk import as_mail_error
from mailsuite.errors import (
    MailError,
    MailLoop,
    MessageTooLarge,
    OverQuota,
    SenderRefused,
    StoreFull,
    TooManyRecipients,
)
from mailsuite.interfaces import (
    AccountRecord,
    IDirectory,
    IMailboxService,
    IReception,
    ITransaction,
)
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Envelope, Origin, Recipient, Sender
from mailsuite.mail.trace import received, return_path
from mailsuite.transfer.content import MemoryBudget, ReceivedContent
from mailsuite.transfer.header import hops, without
from mailsuite.transfer.local import LocalDelivery
from mailsuite.transfer.queueids import QueueIds
from mailsuite.transfer.room import Room
from mailsuite.transfer.router import Routed, accounts_for, completed
from mailsuite.transfer.submission import (
    check_author,
    missing_fields,
    without_hidden_recipients,
)


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


@implementer(IReception)
class Reception:
    """
    Takes messages for the accounts here.

    :param default_domain: of a recipient who is a bare ``postmaster``.
    """

    def __init__(
        self,
        directory: IDirectory,
        mailboxes: IMailboxService,
        delivery: LocalDelivery,
        clock: IReactorTime,
        *,
        ids: QueueIds,
        room: Room,
        default_domain: str,
        limits: Limits,
    ) -> None:
        self.directory = directory
        self.mailboxes = mailboxes
        self.clock = clock
        self.default_domain = default_domain
        self.limits = limits
        self.budget = MemoryBudget(limits.memory)
        self.delivery = delivery
        self._ids = ids
        self._room = room

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
        return await self.directory.expand(address)

    async def route(self, recipient: Recipient, *, logged_in: bool) -> Routed:
        """
        Decide where a recipient's copy goes.

        :raises NoSuchRecipient, RelayDenied, NotTransferable:
        """
        address = completed(recipient.forward_path, self.default_domain)
        ours = self.directory.is_ours(address.domain)
        found = await self.directory.resolve(address) if ours else None
        return Routed(
            recipient, accounts_for(found, ours=ours, logged_in=logged_in)
        )

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


@implementer(ITransaction)
class Transaction:
    """
    One message on its way in.
    """

    _log = Logger()

    def __init__(
        self,
        reception: Reception,
        queue_id: str,
        envelope: Envelope,
        owns: Callable[[Address], bool] | None,
    ) -> None:
        self.queue_id = queue_id
        self._reception = reception
        self._envelope = envelope
        self._owns = owns
        self._routed: list[Routed] = []
        self._failure: MailError | None = None
        self._content = ReceivedContent(
            reception.mailboxes, reception.budget, self._rewrite
        )

    async def add_recipient(self, recipient: Recipient) -> None:
        """
        Accept a recipient, or say why not.
        """
        if len(self._routed) >= self._reception.limits.recipients:
            raise TooManyRecipients
        routed = await self._reception.route(
            recipient, logged_in=self._owns is not None
        )
        await self._check_room(routed)
        self._routed.append(routed)

    def write(self, octets: bytes) -> Awaitable[None] | None:
        """
        The next piece of the content.
        """
        if self._failure is not None:
            return None
        if self._content.size + len(octets) > self._reception.limits.size:
            self._fail(MessageTooLarge())
            raise MessageTooLarge
        written = self._content.write(octets)
        return None if written is None else self._wait_for(written)

    async def commit(self) -> tuple[MailError | None, ...]:
        """
        The content is complete: deliver it.
        """
        if self._failure is not None:
            raise self._failure
        try:
            content = await self._content.finish()
            return await self._reception.delivery.deliver(
                self.queue_id,
                self._whole_envelope(),
                content,
                self._routed,
            )
        except MailError as error:
            self._fail(error)
            raise
        finally:
            self._content.discard()

    def abort(self) -> None:
        """
        Forget it all.
        """
        self._content.discard()

    async def _check_room(self, routed: Routed) -> None:
        """
        Refuse a recipient none of whose accounts has room.
        """
        octets = self._envelope.sender.size or 0
        for place, record in enumerate(routed.accounts, 1):
            try:
                await self._reception.check_room(record, octets)
            except OverQuota:
                if place == len(routed.accounts):
                    raise
            else:
                return

    async def _wait_for(self, written: Awaitable[None]) -> None:
        try:
            await written
        except StoreFull as error:
            self._fail(error)
            raise
        except MailError as error:
            self._fail(error)

    def _fail(self, error: MailError) -> None:
        self._failure = error
        self._content.discard()
        self._log.info(
            "Refused {queue_id} from {reverse_path}: {reason}",
            queue_id=self.queue_id,
            reverse_path=f"<{self._envelope.sender.reverse_path or ''}>",
            reason=error.public,
            peer=self._envelope.origin.peer,
        )

    def _rewrite(self, section: bytes, rest: bytes) -> bytes:
        """
        The octets to keep in place of these, with our fields in front.

        :raises MailLoop, SenderRefused:
        """
        if hops(section) > self._reception.limits.hops:
            raise MailLoop
        now = datetime.fromtimestamp(self._reception.clock.seconds(), UTC)
        section = without(section, (b"Return-Path",))
        added = b""
        if self._owns is not None:
            check_author(section, self._owns)
            section = without_hidden_recipients(section)
            added = missing_fields(
                section, now, self.queue_id, self._envelope.origin
            )
        # What is no field must not become the rest of one of ours.
        gap = b"" if section or rest.startswith(b"\r\n") else b"\r\n"
        return b"".join((self._trace_fields(now), added, section, gap, rest))

    def _trace_fields(self, now: datetime) -> bytes:
        alone = len(self._routed) == 1
        return return_path(self._envelope.sender.reverse_path) + received(
            self._envelope.origin,
            self.queue_id,
            now,
            self._routed[0].recipient.forward_path if alone else None,
        )

    def _whole_envelope(self) -> Envelope:
        return Envelope(
            self._envelope.origin,
            self._envelope.sender,
            tuple(one.recipient for one in self._routed),
        )
