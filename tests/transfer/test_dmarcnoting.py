"""
Tests for the counting of messages for DMARC reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.verdict import Verdict
from mailsuite.transfer import dmarcnoting
from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.dmarcledger import DMARCLedger, DomainDay, Tally
from mailsuite.transfer.dmarcnoting import DMARCNoting
from tests.support.dmarcmail import envelope, examined

T = TypeVar("T")


class Ledger(DMARCLedger):
    """
    A ledger that keeps what it is told.
    """

    def __init__(self) -> None:
        self.added: list[Mapping[DomainDay, Tally]] = []
        self.lost = False

    def add(self, tallies: Mapping[DomainDay, Tally]) -> int:
        """
        Keep it, unless there is no disk.
        """
        if self.lost:
            raise DatabaseLost("disk is gone")
        self.added.append(tallies)
        return 0


class DMARCNotingTests(SynchronousTestCase):
    """
    Tests for ``DMARCNoting``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.ledger = Ledger()
        self.slow: list[Deferred[None]] | None = None
        self.noting = DMARCNoting(
            self.ledger, clock=self.clock, in_turn=self.in_turn
        )
        self.warnings: list[str] = []
        globalLogPublisher.addObserver(self.hear)
        self.addCleanup(globalLogPublisher.removeObserver, self.hear)

    def hear(self, event: dict[str, object]) -> None:
        """
        A line of the log.
        """
        if event["log_level"] is LogLevel.warn:
            self.warnings.append(str(event["log_format"]))

    async def in_turn(self, work: Callable[[], T]) -> T:
        """
        A disk that may be slow.
        """
        if self.slow is not None:
            turn: Deferred[None] = Deferred()
            self.slow.append(turn)
            await turn
        return work()

    def note(self, peer: str = "192.0.2.7", author: str = "") -> None:
        """
        A message was checked.
        """
        self.noting.note(envelope(peer), examined(Verdict.PASS, author=author))

    def written(self) -> list[int]:
        """
        The messages of each write.
        """
        return [
            sum(tally.observations.total() for tally in tallies.values())
            for tallies in self.ledger.added
        ]

    def test_gathered(self) -> None:
        """
        What comes within seconds is written at once.
        """
        self.note()
        self.clock.advance(9)
        self.note("192.0.2.8")
        self.assertEqual(self.written(), [])

        self.clock.advance(1)
        self.assertEqual(self.written(), [2])

        self.note()
        self.clock.advance(10)
        self.assertEqual(self.written(), [2, 1])

    def test_many(self) -> None:
        """
        Many different ones are written soon.
        """
        self.patch(dmarcnoting, "_SOON", 3)
        for peer in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
            self.note(peer)

        self.clock.advance(0)

        self.assertEqual(self.written(), [3])

    def test_slow_disk(self) -> None:
        """
        While the disk is slow nothing piles up behind it but the counts.
        """
        self.slow = []
        for _ in range(5):
            self.note()
            self.clock.advance(10)
        self.assertEqual(len(self.slow), 1)

        turn, self.slow = self.slow[0], None
        turn.callback(None)
        self.clock.advance(10)

        self.assertEqual(self.written(), [1, 4])

    def test_memory_is_bounded(self) -> None:
        """
        Beyond a number of different ones, messages are not counted; that is
        said.
        """
        self.patch(dmarcnoting, "_MOST_HELD", 2)
        for place in range(5):
            self.note(f"192.0.2.{place}")

        self.clock.advance(10)

        self.assertEqual(self.written(), [2])
        [warning] = self.warnings
        self.assertIn("in no DMARC report", warning)

    def test_long_observation(self) -> None:
        """
        One with texts of kilobytes is left out, and said to be.
        """
        self.note(author="a" * 5000)

        self.clock.advance(10)

        self.assertEqual(self.written(), [])
        self.assertEqual(len(self.warnings), 1)

    def test_ledger_is_lost(self) -> None:
        """
        Counts that cannot be written are lost, and the next ones are not.
        """
        self.ledger.lost = True
        self.note()
        self.clock.advance(10)
        self.assertEqual(len(self.warnings), 1)

        self.ledger.lost = False
        self.note()
        self.clock.advance(10)
        self.assertEqual(self.written(), [1])
