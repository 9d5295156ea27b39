"""
One run of a SASL mechanism, from the first message to the session.

Implementation notes

- To act as another user (an authzid that is not one's own) is nobody's right.
- SCRAM's last message goes out as a challenge that the client answers with
  nothing, since none of our protocols sends it along with success.
"""

from __future__ import annotations

from typing import Protocol

from zope.interface import implementer

from mailsuite.accounts.account_rows import Verifiers
from mailsuite.accounts.credentials import ProvenPassword, TypedPassword
from mailsuite.accounts.scram import ScramAccounts
from mailsuite.errors import (
    BadExchange,
    LoginRefused,
    LoginUnavailable,
    MailError,
)
from mailsuite.interfaces import Channel, ILoginSession, ISASLExchange
from mailsuite.wire.sasl import Login, Plain, Scram


class Door(Protocol):
    """
    What an exchange needs of the login.
    """

    def now(self) -> float:
        """
        By the clock, in seconds.
        """

    def same_user(self, user: str, other: str) -> bool:
        """
        Whether two names mean the same account.
        """

    async def prove(
        self,
        credentials: TypedPassword | ProvenPassword,
        user: str,
        mechanism: str,
        channel: Channel,
    ) -> ILoginSession:
        """
        See ``Login.prove``.
        """

    async def refusal(
        self, user: str, mechanism: str, channel: Channel, attempted: float
    ) -> LoginRefused:
        """
        See ``Login.refusal``.
        """


@implementer(ISASLExchange)
class PlainExchange:
    """
    A mechanism that brings the password itself.
    """

    def __init__(
        self, machine: Plain | Login, name: str, door: Door, channel: Channel
    ) -> None:
        self._machine = machine
        self._name = name
        self._door = door
        self._channel = channel

    async def respond(self, response: bytes | None) -> bytes | ILoginSession:
        """
        See ``ISASLExchange.respond``.
        """
        step = self._machine.step(response)
        if isinstance(step, bytes):
            return step
        if step.authzid and not self._door.same_user(step.authzid, step.user):
            raise await self._door.refusal(
                step.user, self._name, self._channel, self._door.now()
            )
        return await self._door.prove(
            TypedPassword(step.user, step.password),
            step.user,
            self._name,
            self._channel,
        )


@implementer(ISASLExchange)
class ScramExchange:
    """
    SCRAM-SHA-256 or its -PLUS.
    """

    def __init__(
        self,
        machine: Scram,
        name: str,
        door: Door,
        accounts: ScramAccounts,
        channel: Channel,
    ) -> None:
        self._machine = machine
        self._name = name
        self._door = door
        self._accounts = accounts
        self._channel = channel
        self._respond = self._first
        self._user = ""
        self._verifiers: Verifiers | None = None

    async def respond(self, response: bytes | None) -> bytes | ILoginSession:
        """
        See ``ISASLExchange.respond``.
        """
        if response is None:
            return b""
        return await self._respond(response)

    async def _first(self, response: bytes) -> bytes | ILoginSession:
        attempted = self._door.now()
        try:
            named = self._machine.first(response)
        except LoginRefused:
            raise await self._refusal(attempted) from None
        self._user = named.user
        if named.authzid and not self._door.same_user(
            named.authzid, named.user
        ):
            raise await self._refusal(attempted)
        try:
            self._verifiers, kept = await self._accounts.find(named.user)
        except MailError as error:
            raise LoginUnavailable from error
        self._respond = self._final
        return self._machine.challenge(kept)

    async def _final(self, response: bytes) -> bytes | ILoginSession:
        attempted = self._door.now()
        try:
            signature = self._machine.final(response)
        except LoginRefused:
            raise await self._refusal(attempted) from None
        self._respond = self._closing
        return signature

    async def _closing(self, response: bytes) -> bytes | ILoginSession:
        if response or self._verifiers is None:
            raise BadExchange
        self._respond = self._over
        return await self._door.prove(
            ProvenPassword(self._verifiers),
            self._user,
            self._name,
            self._channel,
        )

    async def _over(self, response: bytes) -> bytes | ILoginSession:
        raise BadExchange

    async def _refusal(self, attempted: float) -> LoginRefused:
        self._respond = self._over
        return await self._door.refusal(
            self._user, self._name, self._channel, attempted
        )
