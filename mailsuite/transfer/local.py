"""
Delivery to the accounts here, and what happens when some cannot take it now.

Implementation notes

- All accounts get the message in one step of the store.
- Where one copy is kept, a second attempt by the client would double it: what
  could not be kept goes into the queue, and the client hears success.  This
  holds for permanent errors too (a quota that was used up since RCPT): the
  queue tells the sender of them.
- LMTP has a result for each recipient (RFC 2033 4.2), so there a recipient of
  whom no copy was kept is left to the client.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.logger import Logger

from mailsuite.errors import MailError
from mailsuite.interfaces import AccountRecord, IIncoming, IMailboxService
from mailsuite.mail.envelope import Envelope, Recipient
from mailsuite.transfer.arrival import Arrival, Arriving
from mailsuite.transfer.attempt import local_outcome
from mailsuite.transfer.entry import Local
from mailsuite.transfer.filing import file_message
from mailsuite.transfer.router import Routed, each_once


class LocalQueue(Protocol):
    """
    The part of the queue that local delivery needs.
    """

    async def add(self, arrival: Arrival) -> None:
        """
        Keep a message; on return that survives a power cut.

        :raises StoreFull, StoreUnavailable: nothing was kept.
        """

    def passed(self, arrival: Arrival, octets: int) -> None:
        """
        A message was delivered at once, and is to be remembered.
        """


class LocalDelivery:
    """
    Puts messages into accounts, at once or through the queue.
    """

    _log = Logger()

    def __init__(self, mailboxes: IMailboxService, queue: LocalQueue) -> None:
        self._mailboxes = mailboxes
        self._queue = queue

    async def deliver(
        self,
        queue_id: str,
        envelope: Envelope,
        content: IIncoming,
        routed: Sequence[Routed],
        *,
        skip: int,
        junk: bool,
    ) -> tuple[MailError | None, ...]:
        """
        Deliver one message; see ``ITransaction.commit`` for what it promises.

        :param routed: the envelope's recipients, in their order.
        :param skip: octets of the Return-Path at the content's beginning.
        :param junk: it is filed as junk.
        :raises MailError: no account has it, and it is not in the queue.
        """
        accounts = each_once(routed)
        results = await file_message(
            self._mailboxes, content, accounts, junk=junk
        )
        failed = {
            record.number: error
            for record, error in zip(accounts, results, strict=True)
            if error is not None
        }
        self._tell(
            queue_id,
            envelope,
            octets=content.size,
            accounts=accounts,
            failed=failed,
        )
        answers = _answers(
            routed, failed, one_each=envelope.origin.listener == "lmtp"
        )
        taken = _taken(routed, answers)
        arrival = Arrival(
            queue_id=queue_id,
            origin=envelope.origin,
            sender=envelope.sender,
            recipients=[
                Arriving(
                    recipient,
                    Local(record.number, record.address, junk),
                    local_outcome(failed.get(record.number)),
                )
                for recipient, record in taken
            ],
            content=content,
            skip=skip,
        )
        if any(record.number in failed for _, record in taken):
            await self._queue.add(arrival)
        else:
            self._queue.passed(arrival, content.size)
        return answers

    def _tell(
        self,
        queue_id: str,
        envelope: Envelope,
        *,
        octets: int,
        accounts: Sequence[AccountRecord],
        failed: dict[int, MailError],
    ) -> None:
        kept = [r.address for r in accounts if r.number not in failed]
        if kept:
            origin = envelope.origin
            self._log.info(
                "Delivered {queue_id} from {reverse_path} to {accounts}:"
                " {octets} octets by {protocol} from {peer}",
                queue_id=queue_id,
                reverse_path=f"<{envelope.sender.reverse_path or ''}>",
                accounts=", ".join(kept),
                octets=octets,
                protocol=origin.protocol,
                peer=origin.peer or origin.helo,
                user=origin.user,
            )
        for record in accounts:
            if record.number in failed:
                self._log.info(
                    "Not delivered {queue_id} to {account}: {reason}",
                    queue_id=queue_id,
                    account=record.address,
                    reason=failed[record.number].public,
                )


def _answers(
    routed: Sequence[Routed], failed: dict[int, MailError], *, one_each: bool
) -> tuple[MailError | None, ...]:
    """
    What each recipient's answer is: None for one whose copies are kept or
    will be in the queue.

    :param one_each: whether recipients may be answered differently.
    :raises MailError: one answer must do for all, and nothing was kept.
    """
    errors = [_total_failure(one, failed) for one in routed]
    if one_each:
        return tuple(errors)
    found = [error for error in errors if error is not None]
    if len(found) == len(routed):
        # A client that tries again hears of the permanent ones at RCPT.
        raise next((e for e in found if e.temporary), found[0])
    return (None,) * len(routed)


def _total_failure(
    one: Routed, failed: dict[int, MailError]
) -> MailError | None:
    """
    Why no account of this recipient has a copy; None if one has.
    """
    errors = [failed.get(record.number) for record in one.accounts]
    if None in errors:
        return None
    found = [error for error in errors if error is not None]
    return next((error for error in found if error.temporary), found[0])


def _taken(
    routed: Sequence[Routed], answers: Sequence[MailError | None]
) -> list[tuple[Recipient, AccountRecord]]:
    """
    What was answered with success: each account once, with the recipient
    through whom it gets its copy.
    """
    found: dict[int, tuple[Recipient, AccountRecord]] = {}
    for one, answer in zip(routed, answers, strict=True):
        for record in one.accounts if answer is None else ():
            found.setdefault(record.number, (one.recipient, record))
    return list(found.values())
