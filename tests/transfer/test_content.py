"""
Tests for ``mailsuite.transfer.content``.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import StoreFull
from mailsuite.transfer.content import MemoryBudget, ReceivedContent
from tests.support.memory_content import MemoryIncoming
from tests.support.transferring import now


class SlowStore:
    """
    Gives places for content when the test says so.
    """

    def __init__(self) -> None:
        self.asked: Deferred[MemoryIncoming] = Deferred()
        self.expected: list[int | None] = []

    async def incoming(self, expected: int | None) -> MemoryIncoming:
        """
        A place for content.
        """
        self.expected.append(expected)
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
        self.content = ReceivedContent(
            self.store, self.budget, lambda section, rest: section + rest
        )

    def test_held_in_memory(self) -> None:
        """
        What fits into the budget is counted, and given back at the end.
        """
        self.assertIsNone(self.content.write(b"x" * 600))
        self.assertEqual(self.budget.free, 400)
        self.store.asked.callback(MemoryIncoming())
        incoming = now(self.content.finish())

        self.assertEqual(incoming.octets, b"x" * 600)
        self.assertEqual(self.store.expected, [600])
        self.assertEqual(self.budget.free, 1000)

    def test_discarded_while_the_store_is_asked(self) -> None:
        """
        A place that comes too late is not kept.
        """
        self.content.write(b"x" * 600)
        finished = Deferred.fromCoroutine(self.content.finish())
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
        self.content.write(b"x" * 600)
        incoming = FullIncoming()
        self.store.asked.callback(incoming)

        with self.assertRaises(StoreFull):
            now(self.content.finish())
        self.content.discard()

        self.assertEqual(self.budget.free, 1000)
        self.assertTrue(incoming.discarded)

    def test_budget_of_several(self) -> None:
        """
        Two messages share the budget; the second goes to the store.
        """
        other = ReceivedContent(
            self.store, self.budget, lambda section, rest: section + rest
        )
        self.content.write(b"x" * 600)
        waiting = other.write(b"y" * 600 + b"\n")

        self.assertIsNotNone(waiting)
        self.store.asked.callback(MemoryIncoming())
        now(waiting)
        self.assertEqual(self.store.expected, [None])
        self.assertEqual(self.budget.free, 400)
