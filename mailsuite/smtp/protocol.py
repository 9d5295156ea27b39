"""
SMTP, submission and LMTP as a factory of connections.
"""

from __future__ import annotations

from mailsuite.conversation import (
    Conversation,
    ConversationFactory,
    Settings,
    TranscriptOf,
)
from mailsuite.interfaces import ILogin, IReception
from mailsuite.smtp.listener import Listener
from mailsuite.smtp.session import SMTPSession
from mailsuite.smtp.wire.connection import SMTPConnection
from mailsuite.smtp.wire.replies import Reply


def smtp_factory(
    settings: Settings,
    listener: Listener,
    *,
    reception: IReception,
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
    ) -> tuple[SMTPConnection, SMTPSession]:
        wire = SMTPConnection()
        session = SMTPSession(
            conversation,
            wire,
            listener,
            reception=reception,
            login=login,
            clock=settings.clock,
        )
        return wire, session

    # RFC 5321 3.1: instead of a greeting, so without an enhanced code.
    refusal = Reply(421, None, f"{listener.our_name} Too many connections")
    return ConversationFactory(
        settings,
        build,
        refusal=refusal.octets(enhanced=False),
        most=most,
        most_per_address=most_per_address,
        transcript=transcript,
    )
