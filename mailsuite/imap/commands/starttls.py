"""
STARTTLS (RFC 9051 6.2.1).
"""

from __future__ import annotations

from mailsuite.conversation import StartTLS
from mailsuite.imap.answers import Done
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses

_INJECTED = responses.untagged(
    responses.BYE, b"Commands were sent before the TLS handshake"
)


def starttls(session: Session, tag: bytes) -> StartTLS | Done:
    """
    Encrypt the connection, where that is offered.
    """
    if not session.conversation.can_start_tls:
        return Done(b"STARTTLS is not possible here", condition=responses.BAD)
    return StartTLS(
        responses.tagged(tag, responses.OK, b"Begin TLS negotiation now"),
        _INJECTED,
    )
