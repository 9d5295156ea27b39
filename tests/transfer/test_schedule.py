"""
Tests for ``mailsuite.transfer.schedule``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.schedule import Schedule


class ScheduleTests(SynchronousTestCase):
    """
    Tests for ``Schedule``.
    """

    def test_delays(self) -> None:
        """
        The first are those that were given, all later ones alike.
        """
        schedule = Schedule(delays=(10.0, 20.0), later=40.0)

        self.assertEqual(
            [schedule.delay(n, 0.5) for n in (1, 2, 3, 9)], [10, 20, 40, 40]
        )

    def test_chance(self) -> None:
        """
        A delay is up to a tenth shorter or longer.
        """
        schedule = Schedule(delays=(100.0,))

        self.assertAlmostEqual(schedule.delay(1, 0.0), 90)
        self.assertAlmostEqual(schedule.delay(1, 1.0), 110)

    def test_expiry(self) -> None:
        """
        Five days; two for what nobody can be told of.
        """
        schedule = Schedule()

        self.assertEqual(schedule.expiry(7.0, null_reverse_path=False), 432007)
        self.assertEqual(schedule.expiry(7.0, null_reverse_path=True), 172807)
