"""
STATUS (RFC 9051 6.3.11, RFC 3501 6.3.10, RFC 7162 3.1.7, RFC 9208 4.1.4).
"""

from __future__ import annotations

from collections.abc import Iterable

from mailsuite.imap.answers import Done
from mailsuite.imap.commands.enable import aware_of_modseqs
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Status, StatusItem
from mailsuite.mail.mailboxes import MailboxStatus


async def status(session: Session, command: Status) -> Done:
    """
    Tell a mailbox's numbers.
    """
    name = session.from_client(command.mailbox)
    untagged = b""
    if StatusItem.HIGHESTMODSEQ in command.items:
        untagged = aware_of_modseqs(session)
    untagged += await status_of(session, name, command.items)
    return Done(b"STATUS completed", untagged=untagged)


async def status_of(
    session: Session, name: str, items: Iterable[StatusItem]
) -> bytes:
    """
    The STATUS response for a mailbox.

    :param name: as the store has it.
    """
    found = await session.own_account().status(name)
    limit = session.service.append_limit
    return responses.status(
        session.to_client(name),
        [(item.value, _value(item, found, limit)) for item in items],
    )


def _value(item: StatusItem, found: MailboxStatus, append_limit: int) -> int:
    match item:
        case StatusItem.MESSAGES:
            return found.messages
        case StatusItem.RECENT:
            return found.recent
        case StatusItem.UIDNEXT:
            return found.uidnext
        case StatusItem.UIDVALIDITY:
            return found.uidvalidity
        case StatusItem.UNSEEN:
            return found.unseen
        case StatusItem.DELETED:
            return found.deleted
        case StatusItem.SIZE:
            return found.size
        case StatusItem.HIGHESTMODSEQ:
            return found.highestmodseq
        case StatusItem.APPENDLIMIT:
            return append_limit
        case StatusItem.DELETED_STORAGE:
            return found.deleted_size
