"""
The wire of IMAP with a session that takes everything.
"""

from __future__ import annotations

from mailsuite.imap.wire import commands
from mailsuite.imap.wire.connection import Connection, Limits
from mailsuite.imap.wire.events import (
    AppendBegin,
    AppendOctets,
    CommandReceived,
    Event,
    LiteralWanted,
    Rejected,
)
from mailsuite.wire.buffer import NEED_DATA

LIMITS = Limits(append=1000, command=2000)


class Conversation:
    """
    A connection, and a session that takes everything.

    :param takes_messages: whether it takes what APPEND brings.
    """

    def __init__(
        self,
        limits: Limits = LIMITS,
        *,
        authenticated: bool = True,
        takes_messages: bool = True,
    ) -> None:
        self.connection = Connection(limits)
        self.connection.authenticated = authenticated
        self.events: list[Event] = []
        self.said: list[bytes] = []
        self._takes_messages = takes_messages

    def hear(self, octets: bytes) -> None:
        """
        Octets arrive, and what they mean is taken.
        """
        self.connection.receive_data(octets)
        while not isinstance(
            event := self.connection.next_event(), type(NEED_DATA)
        ):
            self._answer(event)

    def _answer(self, event: Event) -> None:
        match event:
            case AppendOctets(octets) if self.events and isinstance(
                last := self.events[-1], AppendOctets
            ):
                # Where a message is cut makes no difference.
                self.events[-1] = AppendOctets(last.octets + octets)
                return
            case LiteralWanted():
                # Nor does whether a client is told to go on.
                return
            case AppendBegin() if self._takes_messages:
                self.said.append(self.connection.accept_literal())
            case AppendBegin():
                self.connection.refuse_literal()
            case CommandReceived(_, commands.Idle()):
                self.connection.await_done()
            case CommandReceived(_, commands.Authenticate(initial=None)):
                self.connection.await_response()
        self.events.append(event)


def events(
    *pieces: bytes, authenticated: bool = True, takes_messages: bool = True
) -> list[Event]:
    """
    What a connection makes of octets that arrive in these pieces.
    """
    conversation = Conversation(
        authenticated=authenticated, takes_messages=takes_messages
    )
    for piece in pieces:
        conversation.hear(piece)
    return conversation.events


def noop(tag: bytes) -> CommandReceived:
    """
    A whole command.
    """
    return CommandReceived(tag, commands.Noop())


def bad(tag: bytes | None, text: bytes) -> Rejected:
    """
    What is said of a command that makes no sense.
    """
    return Rejected(tag, b"BAD", None, text)
