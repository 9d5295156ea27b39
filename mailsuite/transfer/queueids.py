"""
Names for messages: in every line of the log, and of the queue's files.
"""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.transfer.spool import Spool
from mailsuite.transfer.threads import InPool

#: Entries in one shard, after which another is begun.
_MOST_ENTRIES = 512


class QueueIds:
    """
    Gives each message its id: the shard, and a number that only rises.

    A start has its own shard, so no id is given twice, whether the message
    comes into the queue or not.
    """

    _log = Logger()

    def __init__(
        self, spool: Spool, clock: IReactorTime, in_pool: InPool
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._in_pool = in_pool
        self._shard = ""
        self._number = 0
        self._entries = 0
        self._beginning = False

    async def new_shard(self) -> None:
        """
        Begin another shard.

        :raises OSError: there is none; the one before is still good.
        """
        self._shard = await self._in_pool(
            partial(self._spool.new_shard, self._clock.seconds())
        )
        self._entries = 0

    def next_id(self) -> str:
        """
        An id that no message had before; after the first ``new_shard``.
        """
        self._number += 1
        return f"{self._shard}{self._number:03x}"

    def count_entry(self) -> None:
        """
        One more message is in the queue; its shard may be full by that, and
        another is then begun.
        """
        self._entries += 1
        if self._entries >= _MOST_ENTRIES and not self._beginning:
            self._beginning = True
            Deferred.fromCoroutine(self.new_shard()).addErrback(
                self._not_begun
            ).addBoth(self._begun)

    def _not_begun(self, failure: Failure) -> None:
        self._log.failure("Beginning another shard", failure)

    def _begun(self, _: None) -> None:
        self._beginning = False
