"""
Whether the file system has room for more mail.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from mailsuite.transfer.threads import InPool

#: How long an answer of the file system is believed, seconds.
_BELIEVED = 1.0


class Room:
    """
    Refuses new mail while the disk is nearly full, so that what is already
    under way and the queue's own lines still fit.

    :param free: octets that are free; may block.
    :param wanted: octets that must be.
    """

    def __init__(
        self,
        free: Callable[[], int],
        wanted: int,
        clock: IReactorTime,
        in_pool: InPool,
    ) -> None:
        self._free = free
        self._wanted = wanted
        self._clock = clock
        self._in_pool = in_pool
        self._enough = False
        self._until = float("-inf")

    async def is_there(self) -> bool:
        """
        Whether a message may begin.

        :raises OSError: the file system does not answer.
        """
        now = self._clock.seconds()
        if now >= self._until:
            self._enough = await self._in_pool(self._free) >= self._wanted
            self._until = now + _BELIEVED
        return self._enough
