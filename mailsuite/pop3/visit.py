"""
One login's stay in its maildrop.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.interfaces import IAccount, ILoginSession
from mailsuite.pop3.maildrop import Maildrop
from mailsuite.pop3.readahead import ReadAhead

T = TypeVar("T")


class Visit:
    """
    A login with what it holds: account and maildrop.

    :ivar maildrop: None before ``begin`` has returned.
    :ivar ahead: of that maildrop.
    :ivar retrieved: messages sent, whole or in part.
    :ivar marked: messages that were to be deleted.
    """

    def __init__(self, login_session: ILoginSession) -> None:
        self._login_session = login_session
        self._account: IAccount | None = None
        self.maildrop: Maildrop | None = None
        self.ahead: ReadAhead | None = None
        self.retrieved = 0
        self.marked = 0

    @property
    def address(self) -> str:
        """
        The account's address.
        """
        return self._login_session.address

    async def begin(self, *, utf8: bool) -> None:
        """
        Open the maildrop.

        :param utf8: the client takes header fields in UTF-8.
        :raises MaildropInUse: another session has it.
        """
        self._account = await self._login_session.account()
        self.maildrop = Maildrop(await self._account.maildrop())
        self.ahead = ReadAhead(self.maildrop, utf8=utf8)

    async def update(self) -> int:
        """
        RFC 1939 6: delete what is marked, and end.

        :return: how many messages are gone.
        """
        assert self.maildrop is not None
        self.marked = self.maildrop.deleted
        try:
            return await self.maildrop.delete_marked()
        finally:
            self.end()

    def end(self) -> None:
        """
        Give back what is held.
        """
        if self.maildrop is not None:
            self.maildrop.release()
        if self._account is not None:
            self._account.release()
        self._login_session.logout()


async def to_its_end(work: Coroutine[Any, Any, T], log: Logger) -> T:
    """
    The result of ``work``, which goes on if who waits for it is cancelled.
    """
    waiting: Deferred[T] = Deferred(canceller=lambda _: None)

    def pass_on(result: T | Failure) -> None:
        if not waiting.called:
            waiting.callback(result)
        elif isinstance(result, Failure):
            log.failure("Deletions failed after the client went", result)

    Deferred.fromCoroutine(work).addBoth(pass_on)
    return await waiting
