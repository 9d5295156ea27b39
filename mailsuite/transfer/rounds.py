"""
Many that ask for a thread at the same moment, served together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mailsuite.transfer.threads import InPool

Q = TypeVar("Q")
A = TypeVar("A")


class Rounds(Generic[Q, A]):
    """
    Asks in rounds: what is asked while a round runs waits for the next.

    :param answer: in a thread, answers all that is asked in one round; an
        exception among its results is raised where that was asked.
    :param most: what one round takes.
    :param at_once: rounds that may run side by side.
    """

    def __init__(
        self,
        in_pool: InPool,
        answer: Callable[[Sequence[Q]], Sequence[A | Exception]],
        *,
        most: int,
        at_once: int = 1,
    ) -> None:
        self._in_pool = in_pool
        self._answer = answer
        self._most = most
        self._at_once = at_once
        self._waiting: deque[tuple[Q, Deferred[A]]] = deque()
        self._running = 0

    def ask(self, question: Q) -> Deferred[A]:
        """
        Its answer.

        Whoever gives up waiting changes nothing: what was asked is done.
        """
        # Its own Deferred outlives a cancelled one.
        answer: Deferred[A] = Deferred()
        self._waiting.append((question, answer))
        self._begin()
        return answer

    def _begin(self) -> None:
        while self._waiting and self._running < self._at_once:
            self._running += 1
            asked = [
                self._waiting.popleft()
                for _ in range(min(self._most, len(self._waiting)))
            ]
            Deferred.fromCoroutine(self._round(asked)).addErrback(
                self._fail, asked
            )

    async def _round(self, asked: list[tuple[Q, Deferred[A]]]) -> None:
        try:
            answers = await self._in_pool(
                partial(self._answer, [question for question, _ in asked])
            )
        finally:
            self._running -= 1
        self._begin()
        for (_, waiting), answer in zip(asked, answers, strict=True):
            if waiting.called:
                continue
            if isinstance(answer, Exception):
                waiting.errback(answer)
            else:
                waiting.callback(answer)

    def _fail(
        self, failure: Failure, asked: list[tuple[Q, Deferred[A]]]
    ) -> None:
        """
        A bug: whoever waits hears of it.
        """
        for _, waiting in asked:
            if not waiting.called:
                waiting.errback(failure)
        self._begin()
