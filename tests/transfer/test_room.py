"""
Tests for ``mailsuite.transfer.room``.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.room import Room
from tests.support.queueing import at_once, now


class RoomTests(SynchronousTestCase):
    """
    Tests for ``Room``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.free = 100
        self.asked = 0
        self.room = Room(self.look, 100, self.clock, at_once)

    def look(self) -> int:
        """
        How much is free.
        """
        self.asked += 1
        return self.free

    def test_enough(self) -> None:
        """
        Just enough is enough.
        """
        self.assertTrue(now(self.room.is_there()))
        self.free = 99
        self.clock.advance(1)
        self.assertFalse(now(self.room.is_there()))

    def test_believed_for_a_second(self) -> None:
        """
        A thousand messages a second ask once.
        """
        for _ in range(1000):
            now(self.room.is_there())
            self.clock.advance(0.0005)

        self.assertEqual(self.asked, 1)

    def test_failure_is_asked_again(self) -> None:
        """
        A file system that does not answer is asked again at once.
        """

        def fail() -> int:
            raise OSError(5, "Input/output error")

        room = Room(fail, 100, self.clock, at_once)
        for _ in range(2):
            with self.assertRaises(OSError):
                now(room.is_there())
