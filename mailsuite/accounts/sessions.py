"""
The logins that last, and who ends them.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from mailsuite.accounts.directory import Directory
from mailsuite.errors import LoginRefused
from mailsuite.interfaces import (
    AccountRecord,
    IAccount,
    ILoginSession,
    IMailboxService,
)
from mailsuite.mail.address import Address


class Sessions:
    """
    All open sessions of this process.

    An account that is suspended, removed or given another password loses its
    sessions, whichever process did it.
    """

    _log = Logger()

    def __init__(self, directory: Directory, mailboxes: IMailboxService):
        self.directory = directory
        self.mailboxes = mailboxes
        self._open: dict[int, set[AccountSession]] = {}
        directory.listen(self._look)

    def open(self, number: int, login_epoch: int) -> AccountSession | None:
        """
        A session of an account that may log in; None if it no longer may.

        :param login_epoch: the account's when the password was judged.
        """
        if not self._lasts(number, login_epoch):
            return None
        address = self.directory.routes.address(number)
        assert address is not None
        session = AccountSession(self, number, "@".join(address), login_epoch)
        self._open.setdefault(number, set()).add(session)
        return session

    def close(self, session: AccountSession) -> None:
        """
        The session is over; may be called again.
        """
        of_account = self._open.get(session.number)
        if of_account is None:
            return
        of_account.discard(session)
        if not of_account:
            del self._open[session.number]

    def _look(self, touched: frozenset[int] | None) -> None:
        """
        End the sessions that a change does not let go on; let the store know
        the others' limits.
        """
        numbers = self._open if touched is None else touched & set(self._open)
        for number in list(numbers):
            for session in list(self._open.get(number, ())):
                if not self._lasts(number, session.login_epoch):
                    self._end(session)
                elif session.is_behind():
                    self._renew(session)

    def _lasts(self, number: int, login_epoch: int) -> bool:
        account = self.directory.routes.account(number)
        return (
            account is not None
            and not account.suspended
            and account.login_epoch == login_epoch
        )

    def _end(self, session: AccountSession) -> None:
        self._log.info("Ended a session of {account}", account=session.address)
        with self._log.failuresHandled(
            "Ending a session of {account}", account=session.address
        ):
            session.end()

    def _renew(self, session: AccountSession) -> None:
        Deferred.fromCoroutine(session.renew()).addErrback(
            lambda failure: self._log.failure(
                "Telling the store of {account}'s limits",
                failure,
                account=session.address,
            )
        )


@implementer(ILoginSession)
class AccountSession:
    """
    A successful login.
    """

    def __init__(
        self, sessions: Sessions, number: int, address: str, login_epoch: int
    ) -> None:
        self.number = number
        self.address = address
        self.login_epoch = login_epoch
        self._sessions = sessions
        self._ends: list[Callable[[], None]] = []
        self._ended = False
        self._record: AccountRecord | None = None

    async def account(self) -> IAccount:
        """
        See ``ILoginSession.account``.
        """
        self._record = self._present_record()
        if self._record is None:
            raise LoginRefused
        return await self._sessions.mailboxes.account(self._record)

    def is_behind(self) -> bool:
        """
        Whether the account was opened with other limits than it has.
        """
        return (
            self._record is not None and self._record != self._present_record()
        )

    async def renew(self) -> None:
        """
        Open the account once more: the store then knows its limits.
        """
        (await self.account()).release()

    def _present_record(self) -> AccountRecord | None:
        directory = self._sessions.directory
        address = directory.routes.address(self.number)
        return None if address is None else directory.record(address)

    def owns(self, address: Address) -> bool:
        """
        See ``ILoginSession.owns``.
        """
        return self._sessions.directory.routes.leads_to(address, self.number)

    def when_ended(self, end: Callable[[], None]) -> None:
        """
        See ``ILoginSession.when_ended``.  It may have ended already.
        """
        if self._ended:
            end()
        else:
            self._ends.append(end)

    def logout(self) -> None:
        """
        See ``ILoginSession.logout``.
        """
        self._ends.clear()
        self._sessions.close(self)

    def end(self) -> None:
        """
        Tell whoever uses the session that it is over.
        """
        self._ended = True
        ends = tuple(self._ends)
        self.logout()
        for end in ends:
            end()
