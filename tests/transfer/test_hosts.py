"""
Tests for ``mailsuite.transfer.hosts``.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.hosts import ClearHosts, DeadHosts, EndPoint
from mailsuite.transfer.outcome import Kind, Outcome

PLACE = EndPoint("192.0.2.1", 25)
GONE = Outcome(Kind.DEFERRED, "4.4.1", "refused")
REFUSED = Outcome(Kind.DEFERRED, "4.7.1", "no", 554)


class DeadHostsTests(SynchronousTestCase):
    """
    Tests for ``DeadHosts``.
    """

    def setUp(self) -> None:
        """
        Nobody is dead.
        """
        self.clock = Clock()
        self.dead = DeadHosts[EndPoint](self.clock)

    def test_unknown_place_may_be_tried_by_all(self) -> None:
        """
        What never failed is nobody's probe.
        """
        self.assertIsNone(self.dead.claim(PLACE))
        self.assertIsNone(self.dead.claim(PLACE))

    def test_failures_at_the_same_time_count_once(self) -> None:
        """
        Five attempts that fail together do not rest for an hour.
        """
        for _ in range(5):
            rest = self.dead.failed(PLACE, GONE)
        self.assertEqual(rest.until, 300)

    def test_probe_that_found_nothing_out(self) -> None:
        """
        A probe that was given up is somebody else's.
        """
        self.dead.failed(PLACE, GONE)
        self.clock.advance(300)
        self.assertIsNone(self.dead.claim(PLACE))
        self.assertIsNotNone(self.dead.claim(PLACE))
        self.dead.unclaim(PLACE)
        self.assertIsNone(self.dead.claim(PLACE))

    def test_answer_ends_the_rest(self) -> None:
        """
        A host that answers is as any other, and its next rest is short.
        """
        self.dead.failed(PLACE, GONE)
        self.clock.advance(300)
        self.dead.failed(PLACE, GONE)
        self.dead.answered(PLACE)
        self.assertIsNone(self.dead.claim(PLACE))
        self.assertEqual(self.dead.failed(PLACE, GONE).until, 600)

    def test_source_has_its_own_rest(self) -> None:
        """
        From another address of ours it may be reached.
        """
        self.dead.failed(PLACE, GONE)
        other = EndPoint("192.0.2.1", 25, "192.0.2.77")
        self.assertIsNone(self.dead.claim(other))

    def test_refusals_are_counted_from_the_first(self) -> None:
        """
        Only an unbroken line of 554 counts.
        """
        self.dead.failed(PLACE, REFUSED)
        self.clock.advance(300)
        self.assertEqual(self.dead.failed(PLACE, REFUSED).refusing_since, 0)
        self.clock.advance(600)
        self.assertIsNone(self.dead.failed(PLACE, GONE).refusing_since)
        self.clock.advance(1200)
        self.assertEqual(self.dead.failed(PLACE, REFUSED).refusing_since, 2100)

    def test_memory_is_bounded(self) -> None:
        """
        Of a hundred thousand dead hosts ten thousand are remembered.
        """
        for number in range(10_001):
            self.dead.failed(EndPoint(f"h{number}", 25), GONE)
        self.assertIsNone(self.dead.claim(EndPoint("h0", 25)))
        self.assertIsNotNone(self.dead.claim(EndPoint("h1", 25)))


class ClearHostsTests(SynchronousTestCase):
    """
    Tests for ``ClearHosts``.
    """

    def test_a_day(self) -> None:
        """
        A host is met in clear for a day.
        """
        clock = Clock()
        clear = ClearHosts(clock)
        clear.add(PLACE)
        clock.advance(86399)
        self.assertIn(PLACE, clear)
        clock.advance(1)
        self.assertNotIn(PLACE, clear)
