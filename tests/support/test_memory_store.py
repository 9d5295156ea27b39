"""
The store in memory keeps the contract of the one on disk.
"""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from mailsuite.imap.renderers import renderers
from mailsuite.interfaces import AccountRecord, IMailboxService
from tests.support.mailbox_contract import MailboxContract
from tests.support.memory_store import MemoryStore


class MemoryStoreTests(MailboxContract, TestCase):
    """
    The contract, on ``MemoryStore``.
    """

    async def service(self) -> IMailboxService:
        """
        A store without accounts.
        """
        return MemoryStore(lambda: 837596665.0, renderers())

    def record(
        self,
        number: int = 1,
        octets_limit: int | None = None,
        messages_limit: int | None = None,
    ) -> AccountRecord:
        """
        An account's record; it has no folders.
        """
        return AccountRecord(
            number,
            f"user{number}@example.org",
            "/nowhere",
            "/nowhere/Maildir",
            octets_limit,
            messages_limit,
        )
