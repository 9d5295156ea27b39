"""
Tests for the reports in an account's INBOX.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app import mailboxreports
from mailsuite.app.mailboxreports import mailbox_reports
from mailsuite.emailauth.dmarcreportxml import print_report
from mailsuite.interfaces import AccountRecord
from tests.support.memory_store import MemoryStore
from tests.support.receivedmail import dmarc_report, message, packed

T = TypeVar("T")

RECORD = AccountRecord(1, "postmaster@example.org", "home", "maildir")


async def in_thread(work: Callable[[], T]) -> T:
    """
    A thread for each piece of work.
    """
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


class MailboxReportsTests(SynchronousTestCase):
    """
    Tests for ``mailbox_reports``.
    """

    def setUp(self) -> None:
        self.store = MemoryStore(lambda: 0.0)

    def deliver(self, octets: bytes) -> None:
        """
        A message arrives.
        """

        async def delivery() -> None:
            incoming = await self.store.incoming(None)
            incoming.write(octets)
            assert await self.store.deliver(incoming, [RECORD]) == (None,)

        self.successResultOf(ensureDeferred(delivery()))

    def read(self) -> Any:
        """
        What is reported.
        """

        async def reading() -> str:
            account = await self.store.account(RECORD)
            try:
                return await mailbox_reports(account, in_thread)
            finally:
                account.release()

        return json.loads(self.successResultOf(ensureDeferred(reading())))

    def report(self, report_id: str) -> bytes:
        """
        A message with a report of that name.
        """
        return message(packed(print_report(dmarc_report(report_id))))

    def test_reports_among_other_mail(self) -> None:
        """
        Messages that are reports are read, the others are not.
        """
        self.deliver(b"Subject: pickles\r\n\r\nHow about pickles?\r\n")
        self.deliver(self.report("r1"))
        self.deliver(self.report("r2").replace(b"Report Domain:", b"x:"))

        found = self.read()

        self.assertEqual([one["report_id"] for one in found["reports"]], ["r1"])
        self.assertEqual(found["unreadable"], {})

    def test_newest(self) -> None:
        """
        Of too many the newest are read.
        """
        self.patch(mailboxreports, "_MOST_MESSAGES", 2)
        for report_id in ("r1", "r2", "r3"):
            self.deliver(self.report(report_id))

        found = self.read()

        self.assertEqual(
            {one["report_id"] for one in found["reports"]}, {"r2", "r3"}
        )

    def test_too_large(self) -> None:
        """
        A message of more octets than one has is not read into memory.
        """
        self.patch(mailboxreports, "LONGEST", 10)
        self.deliver(self.report("r1"))

        self.assertEqual(
            self.read()["unreadable"], {"a message is too large": 1}
        )

    def test_none(self) -> None:
        """
        An INBOX without reports is no error.
        """
        self.assertEqual(self.read()["reports"], [])
