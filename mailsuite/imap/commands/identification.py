"""
ID (RFC 2971): who is at either end.
"""

from __future__ import annotations

from twisted.logger import Logger

from mailsuite.imap.answers import Done
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Id

#: Characters of each word, and fields, that reach the log.
_LOGGED, _LOGGED_FIELDS = 64, 8

_log = Logger()


async def identification(session: Session, command: Id) -> Done:
    """
    Note what the client says of itself, and say who we are.
    """
    if command.parameters is not None:
        _log.info(
            "Client at {peer} is {fields}",
            peer=session.conversation.peer().address,
            fields={
                name[:_LOGGED]: value and value[:_LOGGED]
                for name, value in command.parameters[:_LOGGED_FIELDS]
            },
        )
    return Done(
        b"ID completed",
        untagged=responses.identification((("name", "Mailsuite"),)),
    )
