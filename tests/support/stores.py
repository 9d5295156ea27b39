"""
Stores on real folders, for tests.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from mailsuite.disk import Disk
from mailsuite.interfaces import AccountRecord, IRenderer
from mailsuite.mail.changes import Change
from mailsuite.store.incoming import Incoming
from mailsuite.store.pool import Pool
from mailsuite.store.service import MailboxService, StoreLimits
from mailsuite.store.watcher import Watcher


class Heard:
    """
    A listener that keeps what it was told.
    """

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def changed(self, change: Change) -> None:
        self.changes.append(change)


class StoreTestCase(TestCase):
    """
    A test with one mailbox service, or several on the same folders.
    """

    def setUp(self) -> None:
        self.folder = os.path.abspath(self.mktemp())
        self.disk = Disk()
        self.store = self.another_service()

    def another_service(
        self,
        disk: Disk | None = None,
        renderers: Sequence[IRenderer] = (),
        limits: StoreLimits | None = None,
        watcher: Watcher | None = None,
    ) -> MailboxService:
        """
        One more, as another process would have it; closed with the test.
        """
        pool = Pool("store", 4, reactor.callFromThread)
        service = MailboxService(
            disk or self.disk,
            pool,
            spool=f"{self.folder}/spool",
            clock=reactor,
            now=time.time,
            sleep=time.sleep,
            renderers=renderers,
            watcher=watcher,
            limits=limits or StoreLimits(),
        )

        async def stop() -> None:
            if not service._closing:
                await service.close()
            pool.stop()

        self.addCleanup(lambda: self.successful(stop()))
        return service

    def successful(self, coroutine: object) -> object:
        from twisted.internet.defer import ensureDeferred

        return ensureDeferred(coroutine)

    def record(
        self,
        name: str = "alice",
        number: int = 1,
        *,
        octets_limit: int | None = None,
        messages_limit: int | None = None,
    ) -> AccountRecord:
        """
        An account's record, its folders under the test's own.
        """
        home = f"{self.folder}/mail/{name}"
        return AccountRecord(
            number,
            f"{name}@localhost",
            home,
            f"{home}/Maildir",
            octets_limit,
            messages_limit,
        )

    async def content(
        self, octets: bytes, service: MailboxService | None = None
    ) -> Incoming:
        """
        Content on its way in, complete.
        """
        incoming = await (service or self.store).incoming(len(octets))
        for start in range(0, len(octets), 100_000):
            wait = incoming.write(octets[start : start + 100_000])
            if wait is not None:
                await wait
        return incoming


def message(text: str = "Do you like ketchup?") -> bytes:
    """
    A short message.
    """
    return f"Subject: Test\r\n\r\n{text}\r\n".encode()
