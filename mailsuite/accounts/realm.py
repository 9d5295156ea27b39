"""
The realm: what a proven identity gets (twisted.cred).
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred, fail
from zope.interface import Interface, implementer

from mailsuite.accounts.credentials import Identity
from mailsuite.accounts.sessions import AccountSession, Sessions
from mailsuite.interfaces import IAccount, ILoginSession

Avatar = tuple[type[Interface], object, Callable[[], None]]
"""
The interface, who provides it, and what to call in the end.
"""


@implementer(IRealm)
class AccountRealm:
    """
    An identity's avatar is its account: ``IAccount``, opened; or
    ``ILoginSession``, for those that open it later or never.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def requestAvatar(
        self,
        avatarId: bytes | tuple[()],  # noqa: N803
        mind: object,
        *interfaces: type[Interface],
    ) -> Deferred[Avatar]:
        """
        The account.  (Name and case are Twisted's.)

        Fails with ``UnauthorizedLogin`` if it was suspended, removed or given
        another password since it was proven, or is nobody's.
        """
        if not isinstance(avatarId, bytes):
            return fail(UnauthorizedLogin())
        identity = Identity.parse(avatarId)
        return Deferred.fromCoroutine(self._avatar(identity, interfaces))

    async def _avatar(
        self, identity: Identity, interfaces: tuple[type[Interface], ...]
    ) -> Avatar:
        if not {IAccount, ILoginSession} & set(interfaces):
            raise NotImplementedError("neither IAccount nor ILoginSession")
        session = self._sessions.open(identity.number, identity.login_epoch)
        if session is None:
            raise UnauthorizedLogin
        if ILoginSession in interfaces:
            return ILoginSession, session, session.logout
        return await self._opened(session)

    async def _opened(self, session: AccountSession) -> Avatar:
        try:
            account = await session.account()
        except BaseException:
            session.logout()
            raise

        def leave() -> None:
            account.release()
            session.logout()

        return IAccount, account, leave
