"""
USER and PASS, and AUTH's exchanges, until one login succeeds.
"""

from __future__ import annotations

from base64 import b64encode

from mailsuite.channel import channel_of
from mailsuite.conversation import Conversation
from mailsuite.errors import (
    BadExchange,
    EncryptionRequired,
    LoginRefused,
    MailError,
)
from mailsuite.interfaces import Channel, ILogin, ILoginSession, ISASLExchange
from mailsuite.pop3.responses import err, ok, refusal
from mailsuite.pop3.wire import Auth, Pass, Response, User
from mailsuite.wire.sasl import decode_base64

_USER_FIRST = err("USER comes first")
_CANCELLED = err("Authentication cancelled")
_TOO_LONG = err("Authentication exchange line is too long")


class Authentication:
    """
    A connection's attempts to log in.

    Each answer is a response, or the login.

    :ivar failed: attempts with wrong credentials.
    :ivar under_way: the client's next line belongs to an exchange.
    """

    def __init__(
        self,
        conversation: Conversation,
        login: ILogin,
        *,
        clear_passwords: bool,
    ) -> None:
        self._conversation = conversation
        self._login = login
        self._clear_passwords = clear_passwords
        self._user: str | None = None
        self._exchange: ISASLExchange | None = None
        self.failed = 0

    @property
    def under_way(self) -> bool:
        """
        Whether the client's next line belongs to an exchange.
        """
        return self._exchange is not None

    def channel(self) -> Channel:
        """
        What a login comes over at this moment.
        """
        return channel_of(
            self._conversation, "pop3", clear_passwords=self._clear_passwords
        )

    def forget(self) -> None:
        """
        Forget what was begun.
        """
        self._user = None
        self._exchange = None

    def user(self, command: User) -> bytes:
        """
        The answer to USER: every name is welcome, so that none is given away.
        """
        if not self.channel().secure:
            # Said here, the password need not cross the network.
            return refusal(EncryptionRequired())
        self._user = command.name
        return ok()

    async def password(self, command: Pass) -> bytes | ILoginSession:
        """
        The answer to PASS.
        """
        user, self._user = self._user, None
        if user is None:
            return _USER_FIRST
        try:
            return await self._login.password(
                user, command.password, self.channel()
            )
        except MailError as why:
            return self._refused(why)

    async def begin(self, command: Auth) -> bytes | ILoginSession:
        """
        The answer to AUTH with a mechanism.
        """
        self._user = None
        try:
            self._exchange = self._login.start(
                command.mechanism or "", self.channel()
            )
            match command.initial_response:
                case None:
                    return await self._step(self._exchange, None)
                case "=":
                    # RFC 5034 4: an initial response of no octets.
                    return await self._step(self._exchange, b"")
                case encoded:
                    octets = decode_base64(encoded.encode())
                    return await self._step(self._exchange, octets)
        except MailError as why:
            return self._refused(why)

    async def respond(self, response: Response) -> bytes | ILoginSession:
        """
        The answer to the client's next line of an exchange.
        """
        exchange = self._exchange
        assert exchange is not None
        if response.line is None:
            self._exchange = None
            return _TOO_LONG
        if response.line == b"*":
            self._exchange = None
            return _CANCELLED
        try:
            return await self._step(exchange, decode_base64(response.line))
        except MailError as why:
            return self._refused(why)

    async def _step(
        self, exchange: ISASLExchange, octets: bytes | None
    ) -> bytes | ILoginSession:
        result = await exchange.respond(octets)
        if isinstance(result, bytes):
            return b"+ " + b64encode(result) + b"\r\n"
        self._exchange = None
        return result

    def _refused(self, why: MailError) -> bytes:
        self._exchange = None
        if isinstance(why, LoginRefused | BadExchange):
            self.failed += 1
        return refusal(why)
