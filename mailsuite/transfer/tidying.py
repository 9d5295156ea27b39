"""
Forgets what is old, from time to time.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.history import History
from mailsuite.transfer.ledger import Ledger
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.threads import InPool

#: How often, seconds.
_PERIOD = 3600.0

#: A shard that is so old is given no more entries, seconds.
_IN_USE = 86400.0


class Tidying:
    """
    Removes shards that are empty, what has been broken for long, and history
    that is long past.

    :param go: has something done beside the rest.
    """

    def __init__(
        self,
        spool: Spool,
        ledger: Ledger,
        clock: IReactorTime,
        in_pool: InPool,
        go: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._spool = spool
        self._ledger = ledger
        self._clock = clock
        self._in_pool = in_pool
        self._go = go
        self._timer: IDelayedCall | None = None

    def start(self) -> None:
        """
        Tidy now, when nobody uses a shard but the newest, and each hour.
        """
        self._begin(float("inf"))

    def stop(self) -> None:
        """
        Tidy no more.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self, empty_before: float) -> None:
        self._timer = self._clock.callLater(_PERIOD, self._again)
        self._go(self._tidy(empty_before))

    def _again(self) -> None:
        self._begin(self._clock.seconds() - _IN_USE)

    async def _tidy(self, empty_before: float) -> None:
        now = self._clock.seconds()
        await self._in_pool(
            partial(self._spool.tidy, now, empty_before=empty_before)
        )
        try:
            while await self._ledger.remember(partial(History.forget, now=now)):
                if self._timer is None:
                    return
        except DatabaseLost:
            return
