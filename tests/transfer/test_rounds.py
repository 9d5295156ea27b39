"""
Tests for ``mailsuite.transfer.rounds``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.rounds import Rounds
from tests.support.queueing import at_once


class RoundsTests(SynchronousTestCase):
    """
    Tests for ``Rounds``.
    """

    def setUp(self) -> None:
        self.works: list[Callable[[], object]] = []
        self.asked: list[list[int]] = []
        self.rounds = Rounds(self.in_pool, self.halves, most=3)

    def in_pool(self, work: Callable[[], object]) -> Deferred[object]:
        """
        A pool that waits for ``work``.
        """
        done: Deferred[object] = Deferred()
        self.works.append(lambda: at_once(work).chainDeferred(done))
        return done

    def work(self) -> None:
        """
        Have one round done.
        """
        self.works.pop(0)()

    def halves(self, numbers: Sequence[int]) -> list[float | Exception]:
        """
        The half of each even number.
        """
        self.asked.append(list(numbers))
        if 0 in numbers:
            raise ZeroDivisionError
        return [ValueError(x) if x % 2 else x / 2 for x in numbers]

    def test_what_waits_goes_together(self) -> None:
        """
        The first goes alone; what comes meanwhile waits, and goes together,
        three at most.
        """
        answers = [self.rounds.ask(x) for x in (2, 4, 6, 8, 10)]
        self.assertEqual(len(self.works), 1)
        self.work()
        self.assertEqual(self.successResultOf(answers[0]), 1)
        self.assertNoResult(answers[1])
        self.work()
        self.work()

        self.assertEqual(self.asked, [[2], [4, 6, 8], [10]])
        self.assertEqual(
            [self.successResultOf(x) for x in answers[1:]], [2, 3, 4, 5]
        )

    def test_one_that_fails(self) -> None:
        """
        Who asked for what failed hears of it, and nobody else.
        """
        first, bad, good = (self.rounds.ask(x) for x in (2, 3, 4))
        self.work()
        self.work()

        self.successResultOf(first)
        self.failureResultOf(bad, ValueError)
        self.assertEqual(self.successResultOf(good), 2)

    def test_bug(self) -> None:
        """
        A bug is told to all of its round; the next round runs.
        """
        first, second = self.rounds.ask(0), self.rounds.ask(2)
        self.work()
        self.failureResultOf(first, ZeroDivisionError)
        self.work()

        self.assertEqual(self.successResultOf(second), 1)

    def test_given_up(self) -> None:
        """
        What was asked is done, though nobody waits for it.
        """
        self.rounds.ask(2)
        given_up = self.rounds.ask(4)
        given_up.cancel()
        self.failureResultOf(given_up, CancelledError)
        self.work()
        self.work()

        self.assertEqual(self.asked, [[2], [4]])
