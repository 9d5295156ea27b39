"""
The reports that lie in an account's INBOX.
"""

from __future__ import annotations

from functools import partial

import msgspec

from mailsuite.app.plainreports import Collection
from mailsuite.app.receivedreports import LONGEST, Unreadable, reports_in
from mailsuite.errors import NoSuchMessage
from mailsuite.interfaces import IAccount, IMailbox
from mailsuite.mail.mailboxes import INBOX
from mailsuite.mail.query import HeaderContains, Or
from mailsuite.mail.uids import UID
from mailsuite.transfer.threads import InPool

#: Messages that are read, the newest ones.
_MOST_MESSAGES = 1_000

#: What reports are known by: RFC 9990 3.5.2, RFC 8460 5.3, and what others
#: write instead.
_REPORTS = Or(
    (
        HeaderContains("Subject", "Report Domain"),
        HeaderContains("Subject", "DMARC"),
        HeaderContains("TLS-Report-Domain", ""),
    )
)

_PIECE = 64 * 1024


async def mailbox_reports(account: IAccount, in_pool: InPool) -> str:
    """
    The newest reports of an account, as ``Collection`` gives them, in JSON: it
    may be megabytes, which are made and printed in a thread.

    :raises MailError: the mailbox cannot be read.
    """
    collection = Collection()
    mailbox = await account.mailbox(INBOX)
    try:
        uids = list(await mailbox.search(_REPORTS))[-_MOST_MESSAGES:]
        for uid in reversed(uids):
            octets = await _octets(mailbox, UID(uid))
            if octets is not None:
                await in_pool(partial(_collect, collection, octets))
    finally:
        mailbox.release()
    return await in_pool(partial(_printed, collection))


async def _octets(mailbox: IMailbox, uid: UID) -> bytes | None:
    """
    A message; empty if it is too large, None if it is gone.
    """
    try:
        content = await mailbox.open(uid)
    except NoSuchMessage:
        return None
    try:
        if content.size > LONGEST:
            return b""
        pieces = []
        for offset in range(0, content.size, _PIECE):
            pieces.append(await content.read(offset, _PIECE))
        return b"".join(pieces)
    finally:
        content.close()


def _collect(collection: Collection, octets: bytes) -> None:
    if octets:
        collection.add(reports_in(octets))
    else:
        collection.add([Unreadable("a message is too large")])


def _printed(collection: Collection) -> str:
    return msgspec.json.encode(collection.plain()).decode()
