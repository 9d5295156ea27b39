"""
A deadline that moves all the time and seldom comes.

Implementation notes

- Moving it away costs no timer: the one that runs finds, when it ends, that
  there is time left.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Deadline:
    """
    Calls ``passed`` once the time that was set last is over.
    """

    def __init__(self, clock: IReactorTime, passed: Callable[[], None]) -> None:
        self._clock = clock
        self._passed = passed
        self._at: float | None = None
        self._timer: IDelayedCall | None = None
        self._timer_at = 0.0

    def set(self, seconds: float) -> None:
        """
        So many seconds from now, whatever was set before.
        """
        self._at = self._clock.seconds() + seconds
        if self._timer is not None and self._timer_at > self._at:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._start(seconds)

    def clear(self) -> None:
        """
        Nothing is waited for at present.
        """
        self._at = None

    def stop(self) -> None:
        """
        For good.
        """
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self, seconds: float) -> None:
        self._timer_at = self._clock.seconds() + seconds
        self._timer = self._clock.callLater(seconds, self._ended)

    def _ended(self) -> None:
        self._timer = None
        if self._at is None:
            return
        left = self._at - self._clock.seconds()
        if left > 0:
            self._start(left)
            return
        self._at = None
        self._passed()
