"""
Work for a thread, one piece after another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import DeferredLock

from mailsuite.transfer.threads import InPool

T = TypeVar("T")


class InTurn:
    """
    An ``InPool`` whose pieces of work never run side by side.
    """

    def __init__(self, in_pool: InPool) -> None:
        self._in_pool = in_pool
        self._turn: DeferredLock = DeferredLock()

    async def __call__(self, work: Callable[[], T]) -> T:
        """
        What the work returns or raises comes back.
        """
        await self._turn.acquire()
        try:
            return await self._in_pool(work)
        finally:
            self._turn.release()
