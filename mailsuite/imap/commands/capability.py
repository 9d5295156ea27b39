"""
CAPABILITY (RFC 9051 6.1.1).
"""

from __future__ import annotations

from mailsuite.imap.answers import Done
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Capability


async def capability(session: Session, command: Capability) -> Done:
    """
    Say what can be asked for.
    """
    return Done(
        b"CAPABILITY completed",
        untagged=responses.capability(session.capabilities()),
    )
