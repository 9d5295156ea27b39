"""
NAMESPACE (RFC 9051 6.3.10): one personal namespace, no others.
"""

from __future__ import annotations

from mailsuite.imap.answers import Done
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Namespace


async def namespace(session: Session, command: Namespace) -> Done:
    """
    Say where the account's mailboxes are.
    """
    separator = session.service.separator.encode("ascii")
    return Done(b"NAMESPACE completed", untagged=responses.namespace(separator))
