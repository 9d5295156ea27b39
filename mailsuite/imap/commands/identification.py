"""
ID (RFC 2971): who is at either end.
"""

from __future__ import annotations

from twisted.logger import Logger

from mailsuite.imap.answers import Done
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Id

_log = Logger()


async def identification(session: Session, command: Id) -> Done:
    """
    Note what the client says of itself, and say who we are.
    """
    if command.parameters is not None:
        _log.info(
            "Client at {peer} is {fields}",
            peer=session.conversation.peer().address,
            fields=dict(command.parameters),
        )
    return Done(
        b"ID completed",
        untagged=responses.identification((("name", "Mailsuite"),)),
    )
