"""
The door through which every protocol logs in.

Implementation notes

- Every refusal is told at one fixed time after the attempt, so that neither
  its text nor its delay says whether the user exists.  If judging took longer
  it is told at twice that time, and so on.
- To be busy is no refusal, and is told at once, to whom it may be.
- SCRAM is announced if it is configured so, or if every account has keys: a
  client that finds it announced does not fall back to PLAIN.
- Passwords are never logged; user names are, shortened.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Literal

from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from mailsuite.accounts.credentials import (
    PasswordChecker,
    ProofChecker,
    ProvenPassword,
    TypedPassword,
)
from mailsuite.accounts.directory import Directory
from mailsuite.accounts.exchanges import PlainExchange, ScramExchange
from mailsuite.accounts.passwords import Passwords
from mailsuite.accounts.realm import AccountRealm
from mailsuite.accounts.scram import ScramAccounts
from mailsuite.accounts.sessions import Sessions
from mailsuite.errors import (
    EncryptionRequired,
    LoginRefused,
    LoginUnavailable,
    MailError,
    MechanismUnknown,
)
from mailsuite.interfaces import (
    Channel,
    ILogin,
    ILoginSession,
    IMailboxService,
    ISASLExchange,
)
from mailsuite.wire import sasl

#: Of a name that nobody has, so much is logged.
_LOGGED_CHARACTERS = 100

_NONCE_OCTETS = 18


@implementer(ILogin)
class Login:
    """
    See ``ILogin``.
    """

    _log = Logger()

    def __init__(
        self,
        directory: Directory,
        passwords: Passwords,
        mailboxes: IMailboxService,
        clock: IReactorTime,
        *,
        scram: Literal["auto", "always", "never"] = "auto",
        failure_seconds: float = 2.0,
    ) -> None:
        """
        :param scram: whether SCRAM is announced; ``auto`` is when every
            account can use it.
        :param failure_seconds: how long after an attempt its refusal is told.
        """
        self._directory = directory
        self._clock = clock
        self._scram = scram
        self._failure_seconds = failure_seconds
        self._scram_accounts = ScramAccounts(directory, passwords)
        self.portal = Portal(
            AccountRealm(Sessions(directory, mailboxes)),
            [PasswordChecker(directory, passwords), ProofChecker()],
        )

    # ILogin

    def mechanisms(self, channel: Channel) -> tuple[str, ...]:
        """
        See ``ILogin.mechanisms``.
        """
        if not channel.secure:
            return ()
        if not self._announces_scram():
            return ("PLAIN", "LOGIN")
        if channel.tls and channel.binding("tls-server-end-point"):
            return ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN")
        return ("SCRAM-SHA-256", "PLAIN", "LOGIN")

    def start(self, mechanism: str, channel: Channel) -> ISASLExchange:
        """
        See ``ILogin.start``.
        """
        name = mechanism.upper()
        announced = self.mechanisms(channel)
        if name not in announced:
            secured = replace(
                channel, secure=True, tls=True, binding=lambda _: b"bound"
            )
            if name in self.mechanisms(secured):
                raise EncryptionRequired
            raise MechanismUnknown
        match name:
            case "PLAIN":
                return PlainExchange(sasl.Plain(), name, self, channel)
            case "LOGIN":
                return PlainExchange(sasl.Login(), name, self, channel)
            case _:
                return self._start_scram(name, channel, announced)

    async def password(
        self, user: str, password: str, channel: Channel
    ) -> ILoginSession:
        """
        See ``ILogin.password``.
        """
        if not channel.secure:
            raise EncryptionRequired
        return await self.prove(
            TypedPassword(user, password), user, "a password", channel
        )

    # For exchanges

    async def prove(
        self,
        credentials: TypedPassword | ProvenPassword,
        user: str,
        mechanism: str,
        channel: Channel,
    ) -> ILoginSession:
        """
        The session of whom the credentials prove.

        :raises LoginRefused: at its time.
        :raises LoginUnavailable: at once.
        """
        attempted = self._clock.seconds()
        try:
            _, avatar, _ = await self.portal.login(
                credentials, channel, ILoginSession
            )
        except UnauthorizedLogin:
            raise await self.refusal(
                user, mechanism, channel, attempted
            ) from None
        except MailError as error:
            raise LoginUnavailable from error
        session = ILoginSession(avatar)
        self._log.info(
            "{account} logged in to {protocol} from {peer} by {mechanism}",
            account=session.address,
            protocol=channel.protocol,
            peer=channel.peer,
            mechanism=mechanism,
            tls=channel.tls,
        )
        return session

    async def refusal(
        self, user: str, mechanism: str, channel: Channel, attempted: float
    ) -> LoginRefused:
        """
        The one answer to an attempt that fails, when it is time for it.

        :param attempted: when the attempt was made, by the clock.
        """
        self._log.warn(
            "Refused {user!r} at {protocol} from {peer} by {mechanism}",
            user=user[:_LOGGED_CHARACTERS],
            protocol=channel.protocol,
            peer=channel.peer,
            mechanism=mechanism,
            tls=channel.tls,
        )
        waited = self._clock.seconds() - attempted
        await deferLater(self._clock, self._rest_of_wait(waited))
        return LoginRefused()

    def now(self) -> float:
        """
        By the clock, in seconds.
        """
        return self._clock.seconds()

    def same_user(self, user: str, other: str) -> bool:
        """
        Whether two names mean the same account.
        """
        routes = self._directory.routes
        return routes.login_key(user) == routes.login_key(other)

    def _rest_of_wait(self, waited: float) -> float:
        """
        How long a refusal has still to wait; one that is late already waits
        for the next whole multiple.
        """
        whole = self._failure_seconds
        return whole - waited % whole if whole > 0 else 0.0

    def _announces_scram(self) -> bool:
        if self._scram == "auto":
            return self._directory.routes.all_scram
        return self._scram == "always"

    def _start_scram(
        self, name: str, channel: Channel, announced: tuple[str, ...]
    ) -> ScramExchange:
        machine = sasl.Scram(
            secrets.token_urlsafe(_NONCE_OCTETS),
            plus=name.endswith("-PLUS"),
            plus_announced="SCRAM-SHA-256-PLUS" in announced,
            binding=channel.binding,
        )
        return ScramExchange(machine, name, self, self._scram_accounts, channel)
