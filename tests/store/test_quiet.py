"""
Tests for what waits for a quiet moment.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.interfaces import AccountRecord
from mailsuite.store.quiet import AT_ONCE, QUIET, QuietMoments


class QuietMomentsTests(SynchronousTestCase):
    """
    Tests for ``QuietMoments``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.taken: list[int] = []
        self.busy: Deferred[None] | None = None
        self.moments = QuietMoments(self.clock, self.take_in)

    async def take_in(self, record: AccountRecord) -> None:
        self.taken.append(record.number)
        if self.busy is not None:
            await self.busy

    def deliver(self, *numbers: int) -> None:
        """
        A delivery to these accounts comes, and is made.
        """
        self.moments.delivering()
        for number in numbers:
            self.moments.add(AccountRecord(number, "a@b", "/home", "/mail"))

    def test_not_while_deliveries_come(self) -> None:
        """
        Nobody is taken in until a second has passed without a delivery.
        """
        self.deliver(1)
        self.clock.advance(QUIET * 0.9)
        self.deliver(2)

        self.clock.advance(QUIET * 0.9)
        self.assertEqual(self.taken, [])
        self.clock.advance(QUIET * 0.2)

        self.assertEqual(self.taken, [1, 2])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_once_for_many_deliveries(self) -> None:
        """
        An account that got several messages is taken in once.
        """
        self.deliver(1)
        self.deliver(1)

        self.clock.advance(QUIET)

        self.assertEqual(self.taken, [1])

    def test_some_at_a_time(self) -> None:
        """
        The next are taken in when those before them are done.
        """
        self.busy = Deferred()
        self.deliver(*range(AT_ONCE + 2))

        self.clock.advance(QUIET)
        self.assertEqual(len(self.taken), AT_ONCE)
        self.clock.advance(QUIET)
        self.assertEqual(len(self.taken), AT_ONCE)
        self.busy.callback(None)
        self.clock.advance(0)

        self.assertEqual(len(self.taken), AT_ONCE + 2)

    def test_a_bug_is_logged(self) -> None:
        """
        Where taking in fails that is logged, and others have their turn.
        """
        self.busy = Deferred()
        self.deliver(1)
        self.clock.advance(QUIET)

        self.busy.errback(ValueError())
        self.busy = None
        self.deliver(2)
        self.clock.advance(QUIET)

        self.assertEqual(len(self.flushLoggedErrors()), 1)
        self.assertEqual(self.taken, [1, 2])

    def test_stopped(self) -> None:
        """
        After the stop nobody is taken in and no timer runs.
        """
        self.deliver(1)

        self.moments.stop()
        self.deliver(2)

        self.assertEqual(self.clock.getDelayedCalls(), [])
