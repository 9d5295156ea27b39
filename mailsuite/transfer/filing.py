"""
Putting a message into accounts here: into INBOX, or where junk goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from mailsuite.errors import MailboxExists, MailError
from mailsuite.interfaces import (
    AccountRecord,
    IAccount,
    IIncoming,
    IMailboxService,
)

#: RFC 6154's attribute, and the name where no mailbox has it.
_SPECIAL_USE, _USUAL_NAME = "\\Junk", "Junk"


async def file_message(
    mailboxes: IMailboxService,
    content: IIncoming,
    accounts: Sequence[AccountRecord],
    *,
    junk: bool,
) -> tuple[MailError | None, ...]:
    """
    As ``IMailboxService.deliver``; junk goes into each account's mailbox for
    it, which is made where it is missing.
    """
    if not junk:
        return await mailboxes.deliver(content, accounts)
    results: list[MailError | None] = []
    for record in accounts:
        try:
            await _as_junk(mailboxes, content, record)
        except MailError as error:
            results.append(error)
        else:
            results.append(None)
    return tuple(results)


async def _as_junk(
    mailboxes: IMailboxService, content: IIncoming, record: AccountRecord
) -> None:
    account = await mailboxes.account(record)
    try:
        mailbox = await account.mailbox(await _junk_mailbox(account))
        try:
            await mailbox.append(content, ["$Junk"])
        finally:
            mailbox.release()
    finally:
        account.release()


async def _junk_mailbox(account: IAccount) -> str:
    for entry in await account.entries():
        if entry.special_use == _SPECIAL_USE and entry.selectable:
            return entry.name
    # There may be one of that name, with no attribute.
    with suppress(MailboxExists):
        await account.create(_USUAL_NAME, _SPECIAL_USE)
    return _USUAL_NAME
