"""
Tests for ``mailsuite.imap.idling``.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.idling import SIGN_OF_LIFE_SECONDS, Idlers


class Sleeper:
    """
    Counts what it is asked to do.
    """

    def __init__(self, clock: Clock, *, takes: bool = True) -> None:
        self._clock = clock
        self.takes = takes
        self.told = 0
        self.signs: list[float] = []
        self.costs = 0.0

    def tell_news(self) -> bool:
        """
        Take it, or not.
        """
        self.told += 1
        self._clock.rightNow += self.costs
        return self.takes

    def sign_of_life(self) -> None:
        """
        Note when.
        """
        self.signs.append(self._clock.seconds())


class IdlersTests(SynchronousTestCase):
    """
    Tests for ``Idlers``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.idlers = Idlers(self.clock)

    def test_gives_signs_of_life(self) -> None:
        """
        Each idler gets its sign two minutes after it came, and again.
        """
        first, second = Sleeper(self.clock), Sleeper(self.clock)
        self.idlers.add(first)
        self.clock.advance(50)
        self.idlers.add(second)

        self.clock.pump([10] * 27)

        self.assertEqual(
            first.signs, [SIGN_OF_LIFE_SECONDS, 2 * SIGN_OF_LIFE_SECONDS]
        )
        self.assertEqual(
            second.signs,
            [50 + SIGN_OF_LIFE_SECONDS, 50 + 2 * SIGN_OF_LIFE_SECONDS],
        )

    def test_tells_news_of_one_moment_once(self) -> None:
        """
        However many changes there are before the reactor is free, an idler is
        asked once to tell them.
        """
        sleeper = Sleeper(self.clock)
        self.idlers.add(sleeper)
        self.idlers.has_news(sleeper)
        self.idlers.has_news(sleeper)

        self.clock.advance(0)

        self.assertEqual(sleeper.told, 1)

    def test_a_round_is_cut_in_slices(self) -> None:
        """
        A thousand idlers do not hold the reactor: the round goes on later.
        """
        sleepers = [Sleeper(self.clock) for _ in range(10)]
        for sleeper in sleepers:
            sleeper.costs = 0.004
            self.idlers.add(sleeper)
            self.idlers.has_news(sleeper)

        told: list[int] = []
        self.clock.callLater(
            0.001, lambda: told.append(sum(each.told for each in sleepers))
        )

        self.clock.advance(0.001)

        self.assertLess(told[0], 5)
        self.assertEqual([sleeper.told for sleeper in sleepers], [1] * 10)

    def test_a_slow_client_is_tried_again(self) -> None:
        """
        What a client did not take is told when it may have recovered.
        """
        sleeper = Sleeper(self.clock, takes=False)
        self.idlers.add(sleeper)
        self.idlers.has_news(sleeper)
        self.clock.advance(0)
        sleeper.takes = True

        self.clock.advance(0.5)
        self.clock.advance(0.5)

        self.assertEqual(sleeper.told, 2)

    def test_leaves_no_timer(self) -> None:
        """
        When the last idler goes, nothing is left to do.
        """
        sleeper = Sleeper(self.clock)
        self.idlers.add(sleeper)
        self.idlers.has_news(sleeper)

        self.idlers.remove(sleeper)
        self.idlers.remove(sleeper)

        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_does_not_idle_is_told_nothing(self) -> None:
        """
        News of a session that is not in IDLE wait for its next command.
        """
        sleeper = Sleeper(self.clock)

        self.idlers.has_news(sleeper)

        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_idler_may_go_while_signs_are_given(self) -> None:
        """
        One whose connection ends at another's sign gets none.
        """
        first, second = Sleeper(self.clock), Sleeper(self.clock)
        first.sign_of_life = lambda: self.idlers.remove(second)
        self.idlers.add(first)
        self.idlers.add(second)

        self.clock.advance(SIGN_OF_LIFE_SECONDS)

        self.assertEqual(second.signs, [])
