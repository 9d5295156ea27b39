"""
Long answers give the reactor its turn.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

#: How long one answer may hold the reactor.
_SLICE_SECONDS = 0.01


class Pace:
    """
    One long piece of work on the reactor.
    """

    __slots__ = ("_clock", "_since")

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._since = clock.seconds()

    async def breathe(self) -> None:
        """
        Let others work, if this has gone on for some time.
        """
        if self._clock.seconds() - self._since < _SLICE_SECONDS:
            return
        turn: Deferred[None] = Deferred(lambda _: call.cancel())
        call = self._clock.callLater(0, turn.callback, None)
        await turn
        self._since = self._clock.seconds()
