"""
Logins in memory: ``ILogin`` for tests of front-ends.
"""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from mailsuite.errors import (
    BadExchange,
    EncryptionRequired,
    LoginRefused,
    MailError,
    MechanismUnknown,
)
from mailsuite.interfaces import (
    Channel,
    IAccount,
    ILogin,
    ILoginSession,
    ISASLExchange,
)
from mailsuite.mail.address import Address

#: What is offered.
_MECHANISMS = ("PLAIN", "LOGIN")


@implementer(ILogin)
class MemoryLogin:
    """
    Knows some users and their passwords.

    :ivar account: what ``ILoginSession.account`` gives.
    :ivar error: raised instead of judging a password.
    :ivar sessions: the logins that succeeded.
    """

    def __init__(self, passwords: dict[str, str]) -> None:
        self._passwords = passwords
        self.account: IAccount | None = None
        self.error: MailError | None = None
        self.sessions: list[MemoryLoginSession] = []

    def mechanisms(self, channel: Channel) -> tuple[str, ...]:
        """
        PLAIN and LOGIN, where a password may be sent.
        """
        return _MECHANISMS if channel.secure else ()

    def start(self, mechanism: str, channel: Channel) -> MemoryExchange:
        """
        Begin an exchange.
        """
        if mechanism.upper() not in _MECHANISMS:
            raise MechanismUnknown
        if not channel.secure:
            raise EncryptionRequired
        return MemoryExchange(self, mechanism.upper(), channel)

    async def password(
        self, user: str, password: str, channel: Channel
    ) -> MemoryLoginSession:
        """
        Log in with a password.
        """
        if not channel.secure:
            raise EncryptionRequired
        if self.error is not None:
            raise self.error
        if self._passwords.get(user) != password:
            raise LoginRefused
        session = MemoryLoginSession(self, user)
        self.sessions.append(session)
        return session


@implementer(ISASLExchange)
class MemoryExchange:
    """
    One run of PLAIN or LOGIN.
    """

    def __init__(
        self, login: MemoryLogin, mechanism: str, channel: Channel
    ) -> None:
        self._login = login
        self._mechanism = mechanism
        self._channel = channel
        self._user: str | None = None

    async def respond(
        self, response: bytes | None
    ) -> bytes | MemoryLoginSession:
        """
        Take the client's next part.
        """
        if self._mechanism == "PLAIN":
            if response is None:
                return b""
            parts = response.decode().split("\0")
            if len(parts) != 3:
                raise BadExchange
            return await self._login.password(parts[1], parts[2], self._channel)
        if response is None:
            return b"Username:"
        if self._user is None:
            self._user = response.decode()
            return b"Password:"
        return await self._login.password(
            self._user, response.decode(), self._channel
        )


@implementer(ILoginSession)
class MemoryLoginSession:
    """
    A successful login.
    """

    number = 1

    def __init__(self, login: MemoryLogin, address: str) -> None:
        self._login = login
        self.address = address
        self.logged_out = False
        self._end: Callable[[], None] | None = None

    async def account(self) -> IAccount:
        """
        The account's mail.
        """
        assert self._login.account is not None
        return self._login.account

    def owns(self, address: Address) -> bool:
        """
        Its own address alone.
        """
        return str(address) == self.address

    def when_ended(self, end: Callable[[], None]) -> None:
        """
        Call ``end`` once if the account is suspended.
        """
        self._end = end

    def suspend(self) -> None:
        """
        End the session from the account's side.
        """
        end, self._end = self._end, None
        if end is not None:
            end()

    def logout(self) -> None:
        """
        The session is over.
        """
        self.logged_out = True
