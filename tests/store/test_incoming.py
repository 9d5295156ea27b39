"""
Tests for ``mailsuite.store.incoming``.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.store.committer import Committer
from mailsuite.store.incoming import IN_MEMORY, PIECE, Incoming
from mailsuite.store.maildir import Names
from mailsuite.store.pool import Pool


class IncomingTests(SynchronousTestCase):
    """
    Tests for ``Incoming``, with threads that work when the test says so.
    """

    def setUp(self) -> None:
        self.folder = os.path.abspath(self.mktemp())
        os.mkdir(self.folder)
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.works: list[Callable[[], None]] = []
        self.posted: list[Callable[[], None]] = []
        self.pool = Pool("test", 1, self.posted.append)
        self.patch(self.pool, "submit", self.works.append)

    def work(self) -> None:
        """
        Let the threads do what waits.
        """
        for waiting in (self.works, self.posted):
            while waiting:
                waiting.pop(0)()

    def incoming(self, expected: int | None = None) -> Incoming:
        """
        Content on its way in.
        """
        return Incoming(self.disk, self.pool, self.folder, expected)

    def read(self, incoming: Incoming) -> bytes:
        """
        All that was written.
        """
        return incoming.read(0, incoming.size)

    def test_little_stays_in_memory(self) -> None:
        """
        Small content makes no file.
        """
        incoming = self.incoming()
        self.assertIsNone(incoming.write(b"a" * IN_MEMORY))

        self.assertEqual(incoming.octets, b"a" * IN_MEMORY)
        self.assertIsNone(incoming.shared)

    def test_much_goes_to_a_file(self) -> None:
        """
        Large content is written in pieces; the caller waits for each.
        """
        incoming = self.incoming(IN_MEMORY + 1)
        written = [incoming.write(b"a" * (PIECE - 1)), incoming.write(b"b")]
        self.work()
        incoming.write(b"c")

        self.assertEqual([x is None for x in written], [True, False])
        self.assertEqual(self.read(incoming), b"a" * (PIECE - 1) + b"bc")
        self.assertEqual(os.listdir(self.folder), [])

    def test_discard(self) -> None:
        """
        Discarded content has no descriptor open.
        """
        incoming = self.incoming(IN_MEMORY + 1)
        incoming.write(b"a" * PIECE)
        self.work()
        file = incoming.file()
        incoming.discard()
        incoming.discard()

        self.assertIsNone(incoming.shared)
        self.assertFalse(file._open)

    def test_discard_while_a_thread_writes(self) -> None:
        """
        The file is closed when the thread is done with it, not before.
        """
        incoming = self.incoming(IN_MEMORY + 1)
        incoming.write(b"a" * PIECE)
        self.work()
        file = incoming.file()
        waiting = incoming.write(b"b" * PIECE)
        assert isinstance(waiting, Deferred)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        incoming.discard()
        self.assertTrue(file._open)

        self.work()

        self.assertFalse(file._open)

    def test_discard_while_it_is_delivered(self) -> None:
        """
        A delivery that nobody waits for any more is whole, or is not made.
        """
        for name in ("new", "tmp"):
            os.mkdir(f"{self.folder}/{name}")
        committer = Committer(self.disk, Names(lambda: 0.0), self.posted.append)
        self.patch(committer, "_thread", object())
        incoming = self.incoming()
        incoming.write(b"Subject: x\r\n\r\n")
        waiting = committer.deliver(incoming, [self.folder])
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        incoming.discard()

        committer._waiting.put(None)
        committer._serve()
        self.work()

        [name] = os.listdir(f"{self.folder}/new")
        with open(f"{self.folder}/new/{name}", "rb") as file:
            self.assertEqual(file.read(), b"Subject: x\r\n\r\n")
        self.assertEqual(incoming.octets, b"")

    def test_content(self) -> None:
        """
        What was written can be read again, until it is discarded.
        """
        incoming = self.incoming()
        incoming.write(b"abc")
        incoming.write(b"def")
        content = incoming.content()
        read = Deferred.fromCoroutine(content.read(2, 3))
        self.work()

        self.assertEqual(self.successResultOf(read), b"cde")
        self.assertEqual(content.size, 6)
