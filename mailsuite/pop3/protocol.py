"""
POP3 as a factory of connections.
"""

from __future__ import annotations

from mailsuite.conversation import (
    Conversation,
    ConversationFactory,
    Settings,
    TranscriptOf,
)
from mailsuite.interfaces import ILogin
from mailsuite.pop3.listener import Listener
from mailsuite.pop3.responses import err
from mailsuite.pop3.session import POP3Session
from mailsuite.pop3.wire import POP3Connection

_REFUSAL = err("Too many connections", "SYS/TEMP")


def pop3_factory(
    settings: Settings,
    listener: Listener,
    *,
    login: ILogin,
    most: int,
    most_per_address: int,
    transcript: TranscriptOf | None = None,
) -> ConversationFactory:
    """
    Builds the connections of one listener.

    :param most: connections at once.
    :param most_per_address: connections at once from one IP address.
    """

    def build(
        conversation: Conversation,
    ) -> tuple[POP3Connection, POP3Session]:
        connection = POP3Connection()
        return connection, POP3Session(
            conversation, connection, listener, login
        )

    return ConversationFactory(
        settings,
        build,
        refusal=_REFUSAL,
        most=most,
        most_per_address=most_per_address,
        transcript=transcript,
    )
