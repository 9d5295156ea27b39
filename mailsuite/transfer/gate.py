"""
Whether another attempt may begin: not while too many results wait to be
recorded, and not while they cannot be.

Implementation notes

- A result that is not recorded is an attempt made again after a crash: the
  gate bounds how many messages a crash can repeat.
"""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred

#: Results that may wait to be recorded, so messages that a crash may repeat.
MOST_UNRECORDED = 256


class Gate:
    """
    Open while results are recorded as fast as they come.
    """

    def __init__(self) -> None:
        self._unrecorded = 0
        self._failing = False
        self._stopped = False
        self._waiting: deque[Deferred[None]] = deque()

    @property
    def open(self) -> bool:
        """
        Whether a transaction may begin at this moment.
        """
        if self._failing or self._stopped:
            return False
        return self._unrecorded < MOST_UNRECORDED

    async def passed(self) -> bool:
        """
        Wait until a transaction may begin.

        :return: False if none may begin any more.
        """
        while not self.open and not self._stopped:
            turn: Deferred[None] = Deferred(self._waiting.remove)
            self._waiting.append(turn)
            await turn
        return not self._stopped

    def result_came(self) -> None:
        """
        One more result is to be recorded.
        """
        self._unrecorded += 1

    def result_recorded(self) -> None:
        """
        One is recorded.
        """
        self._unrecorded -= 1
        self._let_pass()

    def close(self) -> None:
        """
        Results cannot be recorded.
        """
        self._failing = True

    def reopen(self) -> None:
        """
        They can be again.
        """
        self._failing = False
        self._let_pass()

    def stop(self) -> None:
        """
        Nothing may begin any more.
        """
        self._stopped = True
        while self._waiting:
            self._waiting.popleft().callback(None)

    def _let_pass(self) -> None:
        """
        Wake as many as there is room for.
        """
        room = MOST_UNRECORDED - self._unrecorded
        while self._waiting and self.open and room > 0:
            room -= 1
            self._waiting.popleft().callback(None)
