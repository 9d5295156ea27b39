"""
Tests for ``mailsuite.transfer.content``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import StoreFull
from mailsuite.transfer.content import MemoryBudget, ReceivedContent
from mailsuite.transfer.header import LARGE
from tests.support.memory_content import MemoryIncoming
from tests.support.queueing import at_once
from tests.support.transferring import now

T = TypeVar("T")


class SlowStore:
    """
    Gives a place for content when the test says so.
    """

    def __init__(self) -> None:
        self.asked: Deferred[MemoryIncoming] = Deferred()

    async def place(self) -> MemoryIncoming:
        """
        A place for content.
        """
        return await self.asked


class FullIncoming(MemoryIncoming):
    """
    A place with no room.
    """

    def write(self, octets: bytes) -> None:
        """
        Refuse.
        """
        raise StoreFull


class ReceivedContentTests(SynchronousTestCase):
    """
    Tests for ``ReceivedContent``.
    """

    def setUp(self) -> None:
        self.store = SlowStore()
        self.budget = MemoryBudget(1000)
        self.watched: list[bytes] = []
        self.pooled = 0
        self.content = self.one_more()

    def one_more(self) -> ReceivedContent:
        """
        Another message on its way in.
        """
        return ReceivedContent(
            self.store.place,
            self.budget,
            lambda section, rest: section + rest,
            self.watched.append,
            self.in_pool,
        )

    def in_pool(self, work: Callable[[], T]) -> Deferred[T]:
        """
        A pool that counts what it does.
        """
        self.pooled += 1
        return at_once(work)

    def test_held_in_memory(self) -> None:
        """
        What fits into the budget is counted, and given back at the end.
        """
        self.assertIsNone(self.content.write(b"x" * 600))
        self.assertEqual(self.budget.free, 400)
        kept = now(self.content.finish())
        self.content.discard()

        self.assertEqual(kept, b"x" * 600)
        self.assertEqual(self.budget.free, 1000)

    def test_large_header_section(self) -> None:
        """
        It is looked at in a thread; a usual one, and a body, are not.
        """
        self.budget = MemoryBudget(10**6)
        for field, pooled in (
            (b"X: x\r\n", 0),
            (b"X: %b\r\n" % bytes(LARGE), 1),
        ):
            octets = field + b"\r\n" + b"x" * LARGE
            content = self.one_more()
            content.write(octets)
            self.assertEqual(now(content.finish()), octets)
            self.assertEqual(self.pooled, pooled)

    def test_discarded_while_the_store_is_asked(self) -> None:
        """
        A place that comes too late is not kept.
        """
        moved = self.content.write(b"x" * 1200 + b"\n")
        assert moved is not None
        finished = Deferred.fromCoroutine(_wait(moved))
        self.content.discard()
        incoming = MemoryIncoming()
        self.store.asked.callback(incoming)

        self.failureResultOf(finished, CancelledError)
        self.assertTrue(incoming.discarded)
        self.assertEqual(self.budget.free, 1000)

    def test_no_room_in_the_store(self) -> None:
        """
        An error of the store is told, and the memory is free again.
        """
        moved = self.content.write(b"x" * 1200 + b"\n")
        assert moved is not None
        incoming = FullIncoming()
        self.store.asked.callback(incoming)

        with self.assertRaises(StoreFull):
            now(_wait(moved))
        self.content.discard()

        self.assertEqual(self.budget.free, 1000)
        self.assertTrue(incoming.discarded)

    def test_budget_of_several(self) -> None:
        """
        Two messages share the budget; the second goes to a file.
        """
        other = self.one_more()
        self.content.write(b"x" * 600)
        waiting = other.write(b"y" * 600 + b"\n")

        self.assertIsNotNone(waiting)
        self.store.asked.callback(MemoryIncoming())
        assert waiting is not None
        now(_wait(waiting))
        self.assertEqual(self.budget.free, 400)
        other.write(b"more")
        self.assertEqual(self.watched, [b"more"])


async def _wait(written: Awaitable[None]) -> None:
    await written
