"""
Where the messages of one connection come from.
"""

from __future__ import annotations

from mailsuite.channel import tls_description
from mailsuite.conversation import Conversation
from mailsuite.mail.envelope import Origin
from mailsuite.smtp import greeting
from mailsuite.smtp.listener import Listener, Purpose
from mailsuite.smtp.localpeer import local_user


class Origins:
    """
    A connection's origin, the same until the next greeting or login.

    :ivar trusted: the peer may relay without a login.
    """

    def __init__(self, conversation: Conversation, listener: Listener) -> None:
        self._conversation = conversation
        self._listener = listener
        self._peer = conversation.peer().address
        self._user = local_user(conversation.transport)
        self._known: dict[bool, Origin] = {}
        self.trusted = (
            listener.purpose is Purpose.LOCAL or self._peer in listener.trusted
        )

    def clear(self) -> None:
        """
        The client has told, or become, something else.
        """
        self._known.clear()

    def of(
        self, helo: str, *, extended: bool, user: str | None, utf8: bool
    ) -> Origin:
        """
        The origin of a message.

        :param extended: the client said EHLO or LHLO.
        :param utf8: the message comes with SMTPUTF8.
        """
        if utf8 not in self._known:
            self._known[utf8] = Origin(
                protocol=greeting.word_for_received(
                    self._listener.purpose,
                    extended=extended,
                    tls=self._conversation.tls,
                    login=user is not None,
                    utf8=utf8,
                ),
                listener=self._listener.purpose.value,
                peer=self._peer,
                helo=self._user or helo,
                user=user,
                our_name=self._listener.our_name,
                tls=tls_description(self._conversation),
                trusted=self.trusted,
            )
        return self._known[utf8]
