"""
Tests for ``mailsuite.imap.pacing``.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.pacing import Pace


class PaceTests(SynchronousTestCase):
    """
    Tests for ``Pace``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.pace = Pace(self.clock)

    def breath(self) -> Deferred[None]:
        """
        One chance for others.
        """
        return Deferred.fromCoroutine(self.pace.breathe())

    def test_short_work_goes_on(self) -> None:
        """
        Work of less than ten milliseconds does not stop.
        """
        self.clock.rightNow += 0.005

        self.successResultOf(self.breath())

    def test_long_work_waits_a_turn(self) -> None:
        """
        After that the reactor has its turn, and a new slice begins.
        """
        self.clock.rightNow += 0.02
        breath = self.breath()
        self.assertNoResult(breath)

        self.clock.advance(0)

        self.successResultOf(breath)
        self.successResultOf(self.breath())

    def test_cancelling_leaves_no_timer(self) -> None:
        """
        A client that goes away leaves nothing to do.
        """
        self.clock.rightNow += 0.02
        breath = self.breath()

        breath.cancel()

        self.failureResultOf(breath, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
