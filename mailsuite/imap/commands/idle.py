"""
IDLE (RFC 9051 6.3.13): news are told as they come.
"""

from __future__ import annotations

from mailsuite.imap.answers import Done, Unfinished
from mailsuite.imap.session import Session

_IDLING = b"+ idling\r\n"


def idle(session: Session, tag: bytes) -> Unfinished:
    """
    Begin to idle.
    """
    session.wire.await_done()
    session.begin_idling(tag)
    return Unfinished(_IDLING)


def idled(session: Session) -> Done:
    """
    The client said DONE.
    """
    session.end_idling()
    return Done(b"IDLE completed")
