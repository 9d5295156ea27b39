"""
Names for messages: in every line of the log, and of the queue's files.
"""

from __future__ import annotations

from functools import partial

from twisted.internet.interfaces import IReactorTime

from mailsuite.transfer.spool import Spool
from mailsuite.transfer.threads import InPool

#: Entries in one shard, after which another is begun.
_MOST_ENTRIES = 1024


class QueueIds:
    """
    Gives each message its id: the shard, and a number that only rises.

    A start has its own shard, so no id is given twice, whether the message
    comes into the queue or not.
    """

    def __init__(
        self, spool: Spool, clock: IReactorTime, in_pool: InPool
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._in_pool = in_pool
        self._shard = ""
        self._number = 0
        self._entries = 0

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

    async def count_entry(self) -> None:
        """
        One more message is in the queue; its shard may be full by that.

        :raises OSError: as ``new_shard``.
        """
        self._entries += 1
        if self._entries >= _MOST_ENTRIES:
            await self.new_shard()
