"""
The store on disk keeps the contract of every mailbox service.
"""

from __future__ import annotations

from mailsuite.imap.renderers import renderers
from mailsuite.interfaces import AccountRecord, IMailboxService
from tests.support.mailbox_contract import MailboxContract
from tests.support.stores import StoreTestCase


class StoreContractTests(MailboxContract, StoreTestCase):
    """
    The contract, on real folders.
    """

    async def service(self) -> IMailboxService:
        """
        A store without accounts.
        """
        return self.another_service(renderers=renderers())

    def record(
        self,
        number: int = 1,
        octets_limit: int | None = None,
        messages_limit: int | None = None,
    ) -> AccountRecord:
        """
        An account's record, its folders under the test's own.
        """
        return StoreTestCase.record(
            self,
            f"user{number}",
            number,
            octets_limit=octets_limit,
            messages_limit=messages_limit,
        )
