"""
One attempt to deliver what the queue holds.
"""

from __future__ import annotations

import os
import zlib
from functools import partial

from mailsuite.errors import MailError, NoSuchRecipient
from mailsuite.interfaces import (
    AccountRecord,
    IDirectory,
    IIncoming,
    IMailboxService,
)
from mailsuite.mail.address import Address
from mailsuite.transfer.entry import HalfWritten, QueuedRecipient, Standing
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.threads import InPool

#: Octets that are read from the queue at once.
_SLICE = 256 * 1024


class LocalAttempt:
    """
    Delivers queued messages to the accounts that wait for them.
    """

    def __init__(
        self,
        spool: Spool,
        directory: IDirectory,
        mailboxes: IMailboxService,
        in_pool: InPool,
    ) -> None:
        self._spool = spool
        self._directory = directory
        self._mailboxes = mailboxes
        self._in_pool = in_pool

    async def make(self, standing: Standing) -> dict[int, MailError | None]:
        """
        Try once.

        :return: for the number of each recipient that waits: None if the
            account has its copy, or what kept it from it.
        :raises HalfWritten: the content is not what was accepted.
        """
        results: dict[int, MailError | None] = {}
        found: dict[int, AccountRecord] = {}
        for queued in standing.waiting:
            record = await self._account(queued)
            if record is None:
                results[queued.number] = NoSuchRecipient()
            else:
                found[queued.number] = record
        if found:
            delivered = await self._deliver(standing, list(found.values()))
            results.update(zip(found, delivered, strict=True))
        return results

    async def _account(self, queued: QueuedRecipient) -> AccountRecord | None:
        """
        The account that a copy is for, under whatever address it has by this
        time; an alias's other accounts have theirs.
        """
        for address in (
            Address.parse(queued.address),
            queued.recipient.forward_path,
        ):
            if address.domain and self._directory.is_ours(address.domain):
                deliverable = await self._directory.resolve(address)
                for record in deliverable.accounts if deliverable else ():
                    if record.number == queued.account:
                        return record
        return None

    async def _deliver(
        self, standing: Standing, records: list[AccountRecord]
    ) -> tuple[MailError | None, ...]:
        try:
            incoming = await self._mailboxes.incoming(standing.entry.size)
            try:
                await self._copy(standing, incoming)
                return await self._mailboxes.deliver(incoming, records)
            finally:
                incoming.discard()
        except MailError as error:
            return (error,) * len(records)

    async def _copy(self, standing: Standing, incoming: IIncoming) -> None:
        entry = standing.entry
        descriptor = await self._in_pool(
            partial(self._spool.content, entry.queue_id)
        )
        try:
            crc32 = offset = 0
            while offset < entry.size:
                octets = await self._in_pool(
                    partial(os.pread, descriptor, _SLICE, offset)
                )
                if not octets:
                    break
                crc32 = zlib.crc32(octets, crc32)
                offset += len(octets)
                if (written := incoming.write(octets)) is not None:
                    await written
        finally:
            os.close(descriptor)
        if (offset, crc32) != (entry.size, entry.crc32):
            raise HalfWritten("its content is damaged")
