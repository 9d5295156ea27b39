"""
Reception in memory: ``IReception`` for tests of front-ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zope.interface import implementer

from mailsuite.errors import (
    MailError,
    MessageTooLarge,
    NoSuchRecipient,
    RelayDenied,
    SenderRefused,
)
from mailsuite.interfaces import IReception, ITransaction
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Envelope, Origin, Recipient, Sender


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    A message that was taken.
    """

    envelope: Envelope
    content: bytes


@implementer(IReception)
class MemoryReception:
    """
    Takes messages for some addresses.

    :param addresses: those that exist; their domains are ours.
    :ivar refusals: what to raise for a recipient, by address.
    :ivar results: what ``commit`` does instead of taking the message.
    :ivar accepted: what was taken.
    :ivar aborted: how many transactions were aborted.
    """

    def __init__(
        self, *addresses: str, size_limit: int = 1000, queue_id: str = "Q1"
    ) -> None:
        self.size_limit = size_limit
        self.addresses = {str(Address.parse(a)) for a in addresses}
        self.domains = {Address.parse(a).domain for a in addresses}
        self.refusals: dict[str, MailError] = {}
        self.results: Callable[[], tuple[MailError | None, ...]] | None = None
        self.write_error: MailError | None = None
        self.aliases: dict[str, tuple[str, ...]] = {}
        self.accepted: list[Accepted] = []
        self.aborted = 0
        self.queue_id = queue_id

    async def begin(
        self,
        origin: Origin,
        sender: Sender,
        owns: Callable[[Address], bool] | None,
    ) -> MemoryTransaction:
        """
        Start a transaction.
        """
        path = sender.reverse_path
        if owns is not None and path is not None and not owns(path):
            raise SenderRefused
        return MemoryTransaction(self, Envelope(origin, sender))

    async def expand(self, address: Address) -> tuple[str, ...]:
        """
        The addresses that an alias stands for.
        """
        return self.aliases.get(str(address), ())


@implementer(ITransaction)
class MemoryTransaction:
    """
    One message on its way in.
    """

    def __init__(self, reception: MemoryReception, envelope: Envelope) -> None:
        self._reception = reception
        self._envelope = envelope
        self._recipients: list[Recipient] = []
        self._content = bytearray()
        self._aborted = False
        self.queue_id = reception.queue_id

    async def add_recipient(self, recipient: Recipient) -> None:
        """
        Accept a recipient, or say why not.
        """
        address = recipient.forward_path
        reception = self._reception
        if refusal := reception.refusals.get(str(address)):
            raise refusal
        if address.domain and address.domain not in reception.domains:
            raise RelayDenied
        if address.domain and str(address) not in reception.addresses:
            raise NoSuchRecipient
        self._recipients.append(recipient)

    def write(self, octets: bytes) -> None:
        """
        The next piece of the content.
        """
        if self._reception.write_error is not None:
            raise self._reception.write_error
        self._content += octets
        if len(self._content) > self._reception.size_limit:
            raise MessageTooLarge

    async def commit(self) -> tuple[MailError | None, ...]:
        """
        The content is complete.
        """
        assert not self._aborted
        if self._reception.results is not None:
            return self._reception.results()
        envelope = self._envelope
        self._reception.accepted.append(
            Accepted(
                Envelope(
                    envelope.origin, envelope.sender, tuple(self._recipients)
                ),
                bytes(self._content),
            )
        )
        return (None,) * len(self._recipients)

    def abort(self) -> None:
        """
        Forget it all.
        """
        if not self._aborted:
            self._aborted = True
            self._reception.aborted += 1
