"""
What the parts of the mailbox contract have in common.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailsuite.interfaces import (
    AccountRecord,
    IAccount,
    IIncoming,
    IMailbox,
    IMailboxService,
)
from mailsuite.mail.changes import (
    Change,
)
from mailsuite.mail.uids import UID

CONTENT = (
    b"From: bob@example.org\r\n"
    b"Subject: =?utf-8?q?caf=C3=A9?=\r\n"
    b"Date: Wed, 17 Jul 1996 23:30:00 -0700\r\n"
    b"\r\n"
    b"Do you like ketchup?\r\n"
)


class Listener:
    """
    Notes what it is told.
    """

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def changed(self, change: Change) -> None:
        """
        Something is committed.
        """
        self.changes.append(change)


class ContractBase:
    """
    The contract.  A subclass makes the service and says what a record is.
    """

    async def service(self) -> IMailboxService:
        """
        A service without accounts, with the renderers of IMAP.
        """
        raise NotImplementedError

    def record(
        self,
        number: int = 1,
        octets_limit: int | None = None,
        messages_limit: int | None = None,
    ) -> AccountRecord:
        """
        An account's record.
        """
        raise NotImplementedError

    async def account(
        self,
        octets_limit: int | None = None,
        messages_limit: int | None = None,
    ) -> IAccount:
        """
        An account that is new.
        """
        self.mailboxes = await self.service()
        account = await self.mailboxes.account(
            self.record(1, octets_limit, messages_limit)
        )
        self.addCleanup(account.release)
        return account

    async def opened(self, account: IAccount, name: str = "INBOX") -> IMailbox:
        """
        A mailbox that is released at the end.
        """
        mailbox = await account.mailbox(name)
        self.addCleanup(mailbox.release)
        return mailbox

    async def append(
        self,
        mailbox: IMailbox,
        content: bytes = CONTENT,
        flags: Iterable[str] = (),
        internal_date: float | None = None,
    ) -> UID:
        """
        One message more.
        """
        incoming = await self.incoming(content)
        appended = await mailbox.append(incoming, flags, internal_date)
        incoming.discard()
        return appended.uids[0]

    async def incoming(self, content: bytes) -> IIncoming:
        """
        Content that has come in.
        """
        incoming = await self.mailboxes.incoming(len(content))
        waiting = incoming.write(content)
        if waiting is not None:
            await waiting
        return incoming

    def names_of(self, mailbox: IMailbox, uid: int) -> set[str]:
        """
        The flags of a message.
        """
        messages = mailbox.messages
        place = messages.place(uid)
        assert place is not None
        return set(mailbox.flag_names.names(messages.flags[place]))
