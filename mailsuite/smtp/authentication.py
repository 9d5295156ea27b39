"""
AUTH: one SASL exchange after another, until one succeeds (RFC 4954).

Only a submission listener has it: to another host's mail a login adds nothing.
"""

from __future__ import annotations

from base64 import b64encode

from mailsuite.channel import channel_of
from mailsuite.conversation import Conversation
from mailsuite.errors import MailError
from mailsuite.interfaces import Channel, ILogin, ILoginSession, ISASLExchange
from mailsuite.smtp.listener import Listener, Purpose
from mailsuite.smtp.refusals import refusal
from mailsuite.smtp.wire.commands import Auth
from mailsuite.smtp.wire.connection import Response, ResponseTooLong
from mailsuite.smtp.wire.replies import Reply
from mailsuite.wire.sasl import decode_base64

NOT_OFFERED = Reply(502, "5.5.1", "Command is not offered here")
_ALREADY = Reply(503, "5.5.1", "Already authenticated")
_SUCCESSFUL = Reply(235, "2.7.0", "Authentication successful")
_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
# RFC 4954 6
_TOO_LONG = Reply(500, "5.5.6", "Authentication exchange line is too long")


class Authentication:
    """
    A connection's logins.

    :ivar login_session: the successful one, or None.
    """

    def __init__(
        self, conversation: Conversation, listener: Listener, login: ILogin
    ) -> None:
        self._conversation = conversation
        self._listener = listener
        self._login = login
        self._exchange: ISASLExchange | None = None
        self.login_session: ILoginSession | None = None

    @property
    def required(self) -> bool:
        """
        Whether mail is taken only after a login, which is still missing.
        """
        return self._offered and self.login_session is None

    def mechanisms(self) -> tuple[str, ...]:
        """
        What to announce at this moment.
        """
        if not self._offered:
            return ()
        return self._login.mechanisms(self._channel())

    async def begin(self, auth: Auth) -> Reply:
        """
        The answer to AUTH; after a 334 the client's response is due.
        """
        if not self._offered:
            return NOT_OFFERED
        if self.login_session is not None:
            return _ALREADY
        channel = self._channel()
        try:
            self._exchange = self._login.start(auth.mechanism, channel)
        except MailError as why:
            return refusal(why)
        match auth.initial_response:
            case None:
                return await self._step(self._exchange, None)
            case "=":
                # RFC 4954 4: an initial response of no octets.
                return await self._step(self._exchange, b"")
            case encoded:
                return await self._step(self._exchange, encoded.encode())

    async def respond(self, response: Response | ResponseTooLong) -> Reply:
        """
        The answer to the client's next part.
        """
        exchange = self._exchange
        assert exchange is not None
        match response:
            case ResponseTooLong():
                self._exchange = None
                return _TOO_LONG
            case Response(b"*"):
                self._exchange = None
                return _CANCELLED
            case Response(line):
                return await self._step(exchange, line)

    def logout(self) -> None:
        """
        Forget login and exchange.
        """
        self._exchange = None
        if self.login_session is not None:
            self.login_session.logout()
            self.login_session = None

    @property
    def _offered(self) -> bool:
        return self._listener.purpose is Purpose.SUBMISSION

    def _channel(self) -> Channel:
        return channel_of(
            self._conversation,
            "smtp",
            clear_passwords=self._listener.clear_passwords,
        )

    async def _step(
        self, exchange: ISASLExchange, response: bytes | None
    ) -> Reply:
        """
        :param response: in base64.
        """
        try:
            octets = None if response is None else decode_base64(response)
            result = await exchange.respond(octets)
        except MailError as why:
            self._exchange = None
            return refusal(why)
        if isinstance(result, bytes):
            return Reply(334, None, b64encode(result).decode())
        self._exchange = None
        self.login_session = result
        return _SUCCESSFUL
