"""
Tests for ``mailsuite.store.adding``.
"""

from __future__ import annotations

import os
import time

from twisted.internet import reactor

from mailsuite.disk import Disk
from mailsuite.store.pool import Pool
from mailsuite.store.service import MailboxService, StoreLimits
from tests.support.stores import StoreTestCase, message


class InternalDateTests(StoreTestCase):
    """
    Internal dates, which must not depend on the index.
    """

    def setUp(self) -> None:
        super().setUp()
        self.early = self.service_at(-1000.5)

    def service_at(self, offset: float) -> MailboxService:
        """
        A service whose clock is wrong by so many seconds.
        """
        pool = Pool("store", 4, reactor.callFromThread)
        service = MailboxService(
            Disk(),
            pool,
            spool=f"{self.folder}/spool",
            clock=reactor,
            now=lambda: time.time() + offset,
            sleep=time.sleep,
            renderers=(),
            watcher=None,
            limits=StoreLimits(),
        )
        self.addCleanup(pool.stop)
        return service

    async def dates(self, service: MailboxService) -> list[int]:
        """
        The internal dates in INBOX.
        """
        account = await service.account(self.record())
        mailbox = await account.mailbox("INBOX")
        dates = list(mailbox.messages.dates)
        mailbox.release()
        account.release()
        return dates

    async def test_survive_the_index(self) -> None:
        """
        Deliveries, appends with and without a date: without the index the
        dates are those that were told.
        """
        early = self.early
        account = await early.account(self.record())
        mailbox = await account.mailbox("INBOX")
        await early.deliver(
            await self.content(message(), early), [self.record()]
        )
        await mailbox.look()
        await mailbox.append(await self.content(message(), early))
        large = message("x" * 2_000_000)
        await mailbox.append(await self.content(large, early))
        await mailbox.append(
            await self.content(message(), early), internal_date=1e9
        )
        mailbox.release()
        account.release()
        told = await self.dates(early)
        await early.close()
        os.unlink(os.path.join(self.record().home, "index.sqlite3"))

        self.assertEqual(await self.dates(self.store), told)
        self.assertEqual(told[-1], 10**9)
