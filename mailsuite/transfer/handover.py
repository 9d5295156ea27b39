"""
A received message's way on: into the accounts here, into the queue, or both.

Implementation notes

- What goes to accounts here alone is delivered at once.  As soon as anybody
  elsewhere is to get it, or the sender wants to hear of success, or it is to
  wait, all of it goes through the queue: one entry is kept or none is.
- A forwarded message leaves with a reverse-path of ours, so that SPF holds;
  its sender is still told of a failure here.
- What is filed as junk goes no further: forwarding it would make us its
  sender.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from mailsuite.errors import MailError, NotAuthentic
from mailsuite.interfaces import IDirectory, IIncoming, IMailboxService
from mailsuite.mail.address import Address
from mailsuite.mail.deliverystatus import Action
from mailsuite.mail.envelope import Envelope, Recipient
from mailsuite.transfer.arrival import Arrival, Arriving
from mailsuite.transfer.attempt import local_outcome
from mailsuite.transfer.entry import Local, Remote
from mailsuite.transfer.local import LocalDelivery
from mailsuite.transfer.notices import for_targets, wants
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.queue import Queue
from mailsuite.transfer.router import Routed
from mailsuite.transfer.srs import SenderRewriting

#: What becomes of an address that stands for several (RFC 3461 5.2.7.3 c).
_WITHHELD = Outcome(
    Kind.FAILED, "5.7.26", "Junk is filed here, and goes no further"
)
_EXPANDED = Outcome(Kind.EXPANDED, "2.0.0", "Expanded")

#: Octets that are copied at once.
_SLICE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """
    What is to be delivered.

    :param kept: the octets, less ``late``; they begin with Return-Path.
    :param skip: octets of that field.
    :param late: fields that are to stand behind it, before all others.
    :param junk: it is filed as junk.
    """

    kept: bytes | IIncoming
    skip: int
    late: bytes = b""
    junk: bool = False


def delivered_to(routed: Sequence[Routed]) -> bytes:
    """
    The field by which a message that is forwarded in a circle is known, with
    its line end; empty if it is not forwarded.

    Only for one recipient: others must not learn of him.
    """
    if len(routed) == 1 and routed[0].forwarded:
        return f"Delivered-To: {routed[0].recipient.forward_path}\r\n".encode()
    return b""


class HandOver:
    """
    Delivers, or queues.
    """

    _log = Logger()

    def __init__(
        self,
        mailboxes: IMailboxService,
        local: LocalDelivery,
        queue: Queue,
        directory: IDirectory,
        clock: IReactorTime,
        rewriting: SenderRewriting,
        returned: Callable[[Address], None],
    ) -> None:
        """
        :param returned: told of an address of ours, of a report, to which
            something was sent: it is for nobody.
        """
        self._mailboxes = mailboxes
        self._local = local
        self._queue = queue
        self._directory = directory
        self._clock = clock
        self._rewriting = rewriting
        self._returned = returned

    async def hand_over(
        self,
        queue_id: str,
        envelope: Envelope,
        message: Message,
        routed: Sequence[Routed],
    ) -> tuple[MailError | None, ...]:
        """
        Deliver one message; see ``ITransaction.commit`` for what it promises.

        :param routed: the envelope's recipients, in their order.
        :raises MailError: nobody has it, and it is not in the queue.
        """
        reports = [one for one in routed if one.is_for_nobody]
        if reports:
            return await self._without(
                reports, queue_id, envelope, message, routed
            )
        if message.junk:
            routed = self._kept_here(queue_id, routed)
        if _through_queue(envelope, routed):
            await self._queue.add(
                self._arrival(queue_id, envelope, message, routed)
            )
            return (None,) * len(routed)
        content = await self._content(message)
        try:
            return await self._local.deliver(
                queue_id,
                envelope,
                content,
                routed,
                skip=message.skip,
                junk=message.junk,
            )
        finally:
            content.discard()

    async def _without(
        self,
        reports: Sequence[Routed],
        queue_id: str,
        envelope: Envelope,
        message: Message,
        routed: Sequence[Routed],
    ) -> tuple[MailError | None, ...]:
        """
        Deliver to all but those that are for nobody, which hear success.
        """
        rest = [one for one in routed if not one.is_for_nobody]
        results: Iterator[MailError | None] = iter(
            await self.hand_over(queue_id, envelope, message, rest)
            if rest
            else ()
        )
        for one in reports:
            self._returned(one.recipient.forward_path)
        return tuple(
            None if one.is_for_nobody else next(results) for one in routed
        )

    def _kept_here(
        self, queue_id: str, routed: Sequence[Routed]
    ) -> list[Routed]:
        """
        The recipients less those outside.

        :raises NotAuthentic: one of them has nobody here; he would lose the
            message without its sender's knowing.
        """
        if not all(one.accounts for one in routed):
            raise NotAuthentic
        for one in routed:
            for target in one.elsewhere:
                self._log.info(
                    "Not forwarded {queue_id} to {target}: it is junk",
                    queue_id=queue_id,
                    target=str(target.forward_path),
                )
        return [
            replace(one, elsewhere=(), forwarded=False, withheld=one.elsewhere)
            for one in routed
        ]

    # --- Into the queue -------------------------------------------------------

    def _arrival(
        self,
        queue_id: str,
        envelope: Envelope,
        message: Message,
        routed: Sequence[Routed],
    ) -> Arrival:
        return Arrival(
            queue_id=queue_id,
            origin=envelope.origin,
            sender=envelope.sender,
            recipients=self._arriving(envelope, message, routed),
            content=message.kept,
            skip=message.skip,
            prefix=message.late,
        )

    def _arriving(
        self, envelope: Envelope, message: Message, routed: Sequence[Routed]
    ) -> list[Arriving]:
        """
        Each account and each address once.
        """
        found: dict[object, Arriving] = {}
        for one in routed:
            recipient = one.recipient
            if one.is_list:
                path = recipient.forward_path
                if wants(recipient, Action.EXPANDED):
                    found[path] = Arriving(
                        recipient, Remote(path.domain), outcome=_EXPANDED
                    )
                recipient = for_targets(recipient, (path, path))[0]
            if one.failure is not None:
                address = str(recipient.forward_path)
                found[recipient.forward_path] = Arriving(
                    recipient,
                    Local(0, address),
                    outcome=local_outcome(one.failure),
                )
            for record in one.accounts:
                found.setdefault(
                    record.number,
                    Arriving(
                        recipient,
                        Local(record.number, record.address, message.junk),
                    ),
                )
            for target in one.elsewhere:
                found.setdefault(
                    target.forward_path, self._outgoing(envelope, one, target)
                )
            for target in one.withheld:
                # Its sender is most likely forged: he is not told.
                found[target.forward_path] = Arriving(
                    replace(target, notify=frozenset({"NEVER"})),
                    Remote(target.forward_path.domain),
                    outcome=_WITHHELD,
                    confidential=True,
                )
        return list(found.values())

    def _outgoing(
        self, envelope: Envelope, one: Routed, target: Recipient
    ) -> Arriving:
        path = envelope.sender.reverse_path
        rewritten = None
        if (
            one.forwarded
            and path is not None
            and not self._directory.is_ours(path.domain)
        ):
            rewritten = self._rewriting.rewritten(path, self._clock.seconds())
        return Arriving(
            target,
            Remote(target.forward_path.domain, rewritten),
            confidential=one.forwarded,
        )

    # --- Into accounts --------------------------------------------------------

    async def _content(self, message: Message) -> IIncoming:
        """
        The whole message as the store takes it.
        """
        kept, skip, late = message.kept, message.skip, message.late
        if isinstance(kept, bytes):
            whole = b"".join((kept[:skip], late, kept[skip:]))
            incoming = await self._mailboxes.incoming(len(whole))
            if (written := incoming.write(whole)) is not None:
                await written
            return incoming
        if not late:
            return kept
        return await self._with_late(kept, skip, late)

    async def _with_late(
        self, kept: IIncoming, skip: int, late: bytes
    ) -> IIncoming:
        """
        A copy, with the late fields in their place.
        """
        content = kept.content()
        incoming = await self._mailboxes.incoming(None)
        try:
            front = await content.read(0, skip) + late
            offset = skip
            while front:
                if (written := incoming.write(front)) is not None:
                    await written
                front = await content.read(offset, _SLICE)
                offset += len(front)
        except MailError:
            incoming.discard()
            raise
        finally:
            content.close()
        return incoming


def _through_queue(envelope: Envelope, routed: Sequence[Routed]) -> bool:
    return envelope.sender.hold_until is not None or any(
        one.elsewhere
        or one.withheld
        or one.failure is not None
        or (one.recipient.notify and "SUCCESS" in one.recipient.notify)
        for one in routed
    )
