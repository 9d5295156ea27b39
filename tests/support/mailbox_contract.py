"""
What every implementation of ``IMailboxService`` has to do: tests to be mixed
into a ``TestCase`` of each.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from mailsuite.interfaces import (
    IAccount,
    IContent,
    IIncoming,
    IMailbox,
    IMailboxService,
)
from tests.support.account_contract import AccountContract
from tests.support.asking_contract import AskingContract
from tests.support.message_contract import MessageContract
from tests.support.moving_contract import MovingContract


class MailboxContract(
    MessageContract, MovingContract, AskingContract, AccountContract
):
    """
    The whole contract.  A subclass makes the service and says what a record is.
    """

    async def test_provides_the_interfaces(self) -> None:
        """
        All objects provide what they say.
        """
        account = await self.account()
        inbox = await self.opened(account)
        uid = await self.append(inbox)
        incoming = await self.incoming(b"x")
        content = await inbox.open(uid)

        verifyObject(IMailboxService, self.mailboxes)
        verifyObject(IAccount, account)
        verifyObject(IMailbox, inbox)
        verifyObject(IIncoming, incoming)
        verifyObject(IContent, content)
        incoming.discard()
        content.close()
