"""
CLOSE and UNSELECT (RFC 9051 6.4.1, 6.4.2).
"""

from __future__ import annotations

from mailsuite.imap.answers import Done
from mailsuite.imap.session import Session
from mailsuite.imap.wire.commands import Close, Unselect


async def close(session: Session, command: Close) -> Done:
    r"""
    Remove the messages with \Deleted, untold, and have no mailbox selected.
    """
    selected = session.own_mailbox()
    if not selected.read_only:
        await selected.mailbox.expunge()
    session.unselect()
    return Done(b"CLOSE completed")


async def unselect(session: Session, command: Unselect) -> Done:
    """
    Have no mailbox selected, and remove nothing.
    """
    session.unselect()
    return Done(b"UNSELECT completed")
