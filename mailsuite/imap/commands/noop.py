"""
NOOP and CHECK (RFC 9051 6.1.2, RFC 3501 6.4.1): the client asks for news.
"""

from __future__ import annotations

from mailsuite.imap.answers import Done
from mailsuite.imap.session import Session
from mailsuite.imap.wire.commands import Check, Noop


async def noop(session: Session, command: Noop | Check) -> Done:
    """
    See what other programs did to the mailbox; the news follow.
    """
    if session.selected is not None:
        await session.own_mailbox().mailbox.look()
    match command:
        case Noop():
            return Done(b"NOOP completed")
        case Check():
            return Done(b"CHECK completed")
