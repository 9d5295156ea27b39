"""
What is left for a quiet moment: giving UIDs to what was delivered to accounts
that nobody has open, and rendering it.

Implementation notes

- A moment is quiet once no delivery has come for a second; then some accounts
  at a time are taken in, as long as none comes.
- Nothing is lost if a moment never comes: who opens the account finds all.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailsuite.interfaces import AccountRecord

#: How long no delivery must come, in seconds.
QUIET = 1.0

#: So many accounts are taken in at once.
AT_ONCE = 8

#: Accounts beyond this wait for their next opening.
_MOST = 10_000


class QuietMoments:
    """
    The accounts that wait for a quiet moment.

    :param take_in: does what is to be done for one; must not raise.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        take_in: Callable[[AccountRecord], Coroutine[Any, Any, None]],
    ) -> None:
        self._clock = clock
        self._take_in = take_in
        self._waiting: OrderedDict[int, AccountRecord] = OrderedDict()
        self._timer: IDelayedCall | None = None
        self._delivered_at = 0.0
        self._stopped = False

    def delivering(self) -> None:
        """
        A delivery has come.
        """
        self._delivered_at = self._clock.seconds()

    def add(self, record: AccountRecord) -> None:
        """
        Something was delivered to this account.
        """
        if len(self._waiting) < _MOST:
            self._waiting[record.number] = record
        self._call_later(QUIET)

    def stop(self) -> None:
        """
        Take in nobody from here on.
        """
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _call_later(self, seconds: float) -> None:
        if self._timer is None and not self._stopped:
            self._timer = self._clock.callLater(seconds, self._when_due)

    def _when_due(self) -> None:
        self._timer = None
        since = self._clock.seconds() - self._delivered_at
        if since < QUIET:
            self._call_later(QUIET - since)
            return
        Deferred.fromCoroutine(self._take_some_in()).addErrback(
            lambda failure: self._log.failure(
                "Giving UIDs to what was delivered", failure
            )
        )

    async def _take_some_in(self) -> None:
        some = [
            self._waiting.popitem(last=False)[1]
            for _ in range(min(AT_ONCE, len(self._waiting)))
        ]
        await gatherResults(
            [Deferred.fromCoroutine(self._take_in(record)) for record in some],
            consumeErrors=True,
        )
        if self._waiting:
            self._call_later(0.0)
