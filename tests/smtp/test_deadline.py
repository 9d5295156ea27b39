"""
Tests for ``mailsuite.smtp.deadline``.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.deadline import Deadline


class DeadlineTests(SynchronousTestCase):
    """
    Tests for ``Deadline``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.passed: list[float] = []
        self.deadline = Deadline(
            self.clock, lambda: self.passed.append(self.clock.seconds())
        )

    def test_passes_once(self) -> None:
        """
        It comes at its time, and once.
        """
        self.deadline.set(5)
        self.clock.pump([1] * 10)

        self.assertEqual(self.passed, [5.0])

    def test_moves_away(self) -> None:
        """
        Moved, it comes later; the one timer stays.
        """
        self.deadline.set(5)
        self.clock.advance(4)
        self.deadline.set(5)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.pump([1] * 10)

        self.assertEqual(self.passed, [9.0])

    def test_moves_nearer(self) -> None:
        """
        Moved nearer, it comes sooner.
        """
        self.deadline.set(300)
        self.deadline.set(5)
        self.clock.pump([1] * 10)

        self.assertEqual(self.passed, [5.0])

    def test_cleared(self) -> None:
        """
        Cleared, it does not come; it can be set again.
        """
        self.deadline.set(5)
        self.deadline.clear()
        self.clock.advance(6)
        self.assertEqual(self.passed, [])
        self.deadline.set(5)
        self.clock.advance(5)

        self.assertEqual(self.passed, [11.0])

    def test_stopped(self) -> None:
        """
        Stopped, it leaves no timer.
        """
        self.deadline.set(5)
        self.deadline.stop()

        self.assertEqual(self.clock.getDelayedCalls(), [])
