"""
One attempt to deliver what the queue holds, for some of its recipients.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from twisted.internet.defer import DeferredSemaphore

from mailsuite.errors import MailError, NoSuchRecipient, OverQuota
from mailsuite.interfaces import (
    AccountRecord,
    IContent,
    IDirectory,
    IIncoming,
    IMailboxService,
)
from mailsuite.mail.address import Address
from mailsuite.transfer.entry import Local, QueuedRecipient, Remote, Standing
from mailsuite.transfer.filing import file_message
from mailsuite.transfer.inhand import InHand
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.outgoing import Outgoing
from mailsuite.transfer.queuedfile import QueuedFile, for_account, on_the_wire
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.threads import InPool

#: Octets that are read from the queue at once.
_SLICE = 256 * 1024

#: Deliveries to accounts here that are under way at once.
_MOST_LOCAL = 8

Outcomes = dict[int, Outcome]


class RemoteDelivery(Protocol):
    """
    The part of remote delivery that the queue needs.
    """

    async def deliver(self, outgoing: Outgoing) -> Outcomes:
        """
        Try once; every recipient's number is answered.
        """

    def forget(self) -> None:
        """
        What is known of hosts that do not answer is known no longer.
        """

    async def stop(self) -> None:
        """
        Begin nothing more; on return all connections are closed.
        """


class Contents:
    """
    What the queue holds, to be read.
    """

    def __init__(self, spool: Spool, in_pool: InPool) -> None:
        self._spool = spool
        self._in_pool = in_pool

    async def for_account(self, standing: Standing) -> IContent:
        """
        A message as an account here gets it.

        :raises OSError: it cannot be opened.
        """
        return await self._open(standing, account=True)

    async def on_the_wire(self, standing: Standing) -> IContent:
        """
        A message as it is sent.

        :raises OSError: it cannot be opened.
        """
        return await self._open(standing, account=False)

    async def _open(self, standing: Standing, *, account: bool) -> IContent:
        descriptor = await self._in_pool(
            partial(self._spool.open_content, standing)
        )
        return QueuedFile(
            standing.content, descriptor, self._in_pool, account=account
        )


class LocalAttempt:
    """
    Delivers queued messages to the accounts that wait for them.
    """

    def __init__(
        self,
        contents: Contents,
        directory: IDirectory,
        mailboxes: IMailboxService,
    ) -> None:
        self._contents = contents
        self._directory = directory
        self._mailboxes = mailboxes
        self._turns = DeferredSemaphore(_MOST_LOCAL)

    async def make(
        self, hand: InHand, numbers: Sequence[int], *, junk: bool
    ) -> Outcomes:
        """
        Try once.

        :param numbers: of recipients with an account here.
        :param junk: it is filed as junk.
        :raises OSError: the content cannot be read.
        """
        await self._turns.acquire()
        try:
            return await self._make(hand, numbers, junk=junk)
        finally:
            self._turns.release()

    async def _make(
        self, hand: InHand, numbers: Sequence[int], *, junk: bool
    ) -> Outcomes:
        results: Outcomes = {}
        found: dict[int, AccountRecord] = {}
        for number in numbers:
            queued = hand.standing.state(number).queued
            record = await self._account(queued)
            if record is None:
                results[number] = local_outcome(NoSuchRecipient())
            else:
                found[number] = record
        if found:
            records = list(found.values())
            delivered = await self._deliver(hand, records, junk=junk)
            for number, error in zip(found, delivered, strict=True):
                results[number] = local_outcome(error)
        return results

    async def _account(self, queued: QueuedRecipient) -> AccountRecord | None:
        """
        The account that a copy is for, under whatever address it has by this
        time; an alias's other accounts have theirs.
        """
        assert isinstance(queued.route, Local)
        for address in (
            Address.parse(queued.route.address),
            queued.recipient.forward_path,
        ):
            if address.domain and self._directory.is_ours(address.domain):
                deliverable = await self._directory.resolve(address)
                for record in deliverable.accounts if deliverable else ():
                    if record.number == queued.route.account:
                        return record
        return None

    async def _deliver(
        self, hand: InHand, records: list[AccountRecord], *, junk: bool
    ) -> tuple[MailError | None, ...]:
        stored = hand.standing.content
        try:
            incoming = await self._mailboxes.incoming(
                stored.octets + stored.skip
            )
            try:
                await self._copy(hand, incoming)
                return await file_message(
                    self._mailboxes, incoming, records, junk=junk
                )
            finally:
                incoming.discard()
        except MailError as error:
            return (error,) * len(records)

    async def _copy(self, hand: InHand, incoming: IIncoming) -> None:
        standing = hand.standing
        if hand.octets is not None:
            octets = for_account(standing.content, hand.octets)
            if (written := incoming.write(octets)) is not None:
                await written
            return
        content = await self._contents.for_account(standing)
        try:
            offset = 0
            while offset < content.size:
                octets = await content.read(offset, _SLICE)
                offset += len(octets)
                if (written := incoming.write(octets)) is not None:
                    await written
        finally:
            content.close()


def local_outcome(error: MailError | None) -> Outcome:
    """
    What a delivery to an account here came to.
    """
    if error is None:
        return Outcome(Kind.DELIVERED, "2.0.0", "Delivered")
    match error:
        case OverQuota():
            # As SMTP's 452 says: a full mailbox is emptied some day.
            return Outcome(Kind.DEFERRED, "4.2.2", error.public)
        case NoSuchRecipient():
            return Outcome(Kind.FAILED, "5.1.1", error.public)
        case _ if error.temporary:
            return Outcome(Kind.DEFERRED, "4.3.0", error.public)
        case _:
            return Outcome(Kind.FAILED, "5.3.0", error.public)


def outgoing(
    hand: InHand,
    route: Remote,
    numbers: Sequence[int],
    contents: Contents,
    remade: Callable[[], Awaitable[Outgoing | None]] | None,
) -> Outgoing:
    """
    What remote delivery is to try.

    :param remade: as ``Outgoing`` has it.
    """
    standing = hand.standing
    entry, stored = standing.entry, standing.content
    states = [standing.state(number) for number in numbers]
    sender = entry.sender
    if route.reverse_path is not None:
        sender = replace(sender, reverse_path=route.reverse_path)
    peers = [state.last.peer for state in states if state.last is not None]
    return Outgoing(
        queue_id=entry.queue_id,
        origin=entry.origin,
        sender=sender,
        recipients=tuple(
            (state.queued.number, state.queued.recipient) for state in states
        ),
        domain=route.domain,
        attempts=max(state.attempts for state in states),
        last_peer=next(filter(None, peers), ""),
        open=partial(contents.on_the_wire, standing),
        octets=None
        if hand.octets is None
        else on_the_wire(stored, hand.octets),
        remade=remade,
    )
