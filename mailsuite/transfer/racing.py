"""
The first of two ways to a host that leads there.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

_Way = TypeVar("_Way")
_End = TypeVar("_End")

#: Seconds after which the second way is tried beside the first.
PATIENCE_SECONDS = 2.0


class Race(Generic[_Way, _End]):
    """
    Tries one way, and another beside it if the first is slow (RFC 8305 5).

    :param follow: a way to its end, or to None if it leads nowhere; it calls
        its second argument once that much is clear that no other is needed.
    :param leave: is given the end that came too late.
    """

    def __init__(
        self,
        clock: IReactorTime,
        follow: Callable[
            [_Way, Callable[[], None]], Coroutine[Any, Any, _End | None]
        ],
        leave: Callable[[_End], None],
    ) -> None:
        self._clock = clock
        self._follow = follow
        self._leave = leave
        self._won: Deferred[_End | None] = Deferred(self._cancelled)
        self._over = False
        self._under_way: list[Deferred[_End | None]] = []

    async def run(
        self, first: _Way, second: Callable[[], _Way | None]
    ) -> _End | None:
        """
        The end that is reached first; None if none is.

        :param second: the other way, or None, asked for when it is time.
        """
        self._timer = self._clock.callLater(
            PATIENCE_SECONDS, self._begin_second, second
        )
        self._begin(first)
        return await self._won

    def _begin_second(self, second: Callable[[], _Way | None]) -> None:
        if (way := second()) is not None:
            self._begin(way)

    def _begin(self, way: _Way) -> None:
        following = Deferred.fromCoroutine(self._follow(way, self._settle))
        self._under_way.append(following)
        following.addBoth(self._ended, following)

    def _settle(self) -> None:
        """
        No other way is needed.
        """
        if self._timer.active():
            self._timer.cancel()

    def _ended(
        self,
        end: _End | None | Failure,
        following: Deferred[_End | None],
    ) -> None:
        self._under_way.remove(following)
        if self._over:
            if isinstance(end, Failure):
                end.trap(CancelledError)
            elif end is not None:
                self._leave(end)
        elif isinstance(end, Failure):
            self._finish()
            self._won.errback(end)
        elif end is not None or not self._under_way:
            self._finish()
            self._won.callback(end)

    def _cancelled(self, _: object) -> None:
        self._finish()

    def _finish(self) -> None:
        self._over = True
        self._settle()
        for following in tuple(self._under_way):
            following.cancel()
