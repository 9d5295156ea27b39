"""
Tests for ``mailsuite.transfer.racing``.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.racing import Race


class RaceTests(SynchronousTestCase):
    """
    Tests for ``Race``.
    """

    def setUp(self) -> None:
        """
        Ways that end when they are told to.
        """
        self.clock = Clock()
        self.ways: dict[str, Deferred[str | None]] = {}
        self.settle: Callable[[], None] | None = None
        self.left: list[str] = []

    async def follow(self, way: str, settle: Callable[[], None]) -> str | None:
        """
        A way.
        """
        self.settle = settle
        self.ways[way] = Deferred()
        return await self.ways[way]

    def run_race(self, second: str | None = "b") -> Deferred[str | None]:
        """
        A race of ``a`` with ``second``.
        """
        race = Race[str, str](self.clock, self.follow, self.left.append)
        return Deferred.fromCoroutine(race.run("a", lambda: second))

    def test_quick_way_is_alone(self) -> None:
        """
        An end within two seconds leaves no timer behind.
        """
        running = self.run_race()
        self.ways["a"].callback("end")
        self.assertEqual(self.successResultOf(running), "end")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_second_way_wins(self) -> None:
        """
        The one that is late is ended.
        """
        running = self.run_race()
        self.clock.advance(2)
        self.ways["b"].callback("end")
        self.assertEqual(self.successResultOf(running), "end")
        self.assertTrue(self.ways["a"].called)

    def test_first_way_wins_after_all(self) -> None:
        """
        The first may still be the first.
        """
        running = self.run_race()
        self.clock.advance(2)
        self.ways["a"].callback("end")
        self.assertEqual(self.successResultOf(running), "end")

    def test_both_lead_nowhere(self) -> None:
        """
        It is over when the last has ended.
        """
        running = self.run_race()
        self.clock.advance(2)
        self.ways["a"].callback(None)
        self.assertNoResult(running)
        self.ways["b"].callback(None)
        self.assertIsNone(self.successResultOf(running))

    def test_settled_way_is_waited_for(self) -> None:
        """
        Once it is clear that the first leads somewhere no other is tried.
        """
        running = self.run_race()
        assert self.settle is not None
        self.settle()
        self.clock.advance(60)
        self.assertEqual(list(self.ways), ["a"])
        self.assertNoResult(running)

    def test_no_second_way(self) -> None:
        """
        Where there is no other the first is waited for.
        """
        running = self.run_race(None)
        self.clock.advance(60)
        self.ways["a"].callback("end")
        self.assertEqual(self.successResultOf(running), "end")

    def test_given_up(self) -> None:
        """
        Who waits no more ends both.
        """
        running = self.run_race()
        self.clock.advance(2)
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.assertTrue(self.ways["a"].called and self.ways["b"].called)

    def test_end_that_comes_too_late(self) -> None:
        """
        An end that could not be stopped is left as it should be.
        """

        async def stubborn(way: str, settle: Callable[[], None]) -> str | None:
            self.ways[way] = Deferred()
            try:
                return await self.ways[way]
            except CancelledError:
                return way

        race = Race[str, str](self.clock, stubborn, self.left.append)
        running = Deferred.fromCoroutine(race.run("a", lambda: "b"))
        self.clock.advance(2)
        self.ways["b"].callback("end")
        self.assertEqual(self.successResultOf(running), "end")
        self.assertEqual(self.left, ["a"])
