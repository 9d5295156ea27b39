"""
EXPUNGE and UID EXPUNGE (RFC 9051 6.4.3, 6.4.9).
"""

from __future__ import annotations

from mailsuite.errors import MailboxReadOnly
from mailsuite.imap.answers import Done
from mailsuite.imap.session import Session
from mailsuite.imap.wire.commands import Expunge


async def expunge(session: Session, command: Expunge) -> Done:
    r"""
    Remove the messages with \Deleted; the news that follow tell which.
    """
    selected = session.own_mailbox()
    if selected.read_only:
        raise MailboxReadOnly
    if command.uids is None:
        await selected.mailbox.expunge()
        return Done(b"EXPUNGE completed")
    uids = selected.view.resolve(command.uids, by_uid=True)
    if uids:
        await selected.mailbox.expunge(uids)
    return Done(b"UID EXPUNGE completed")
