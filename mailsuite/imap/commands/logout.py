"""
LOGOUT (RFC 9051 6.1.3).
"""

from __future__ import annotations

from mailsuite.conversation import Close
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses


def logout(session: Session, tag: bytes) -> Close:
    """
    Say goodbye and end the connection.
    """
    session.end()
    return Close(
        responses.untagged(responses.BYE, b"Logging out")
        + responses.tagged(tag, responses.OK, b"LOGOUT completed")
    )
