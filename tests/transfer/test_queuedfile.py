"""
Tests for ``mailsuite.transfer.queuedfile`` and ``queuedcontent``.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mailsuite.disk import Disk
from mailsuite.errors import StoreUnavailable
from mailsuite.interfaces import IContent, IIncoming
from mailsuite.transfer.entry import Stored
from mailsuite.transfer.queuedcontent import QueuedContent
from mailsuite.transfer.queuedfile import (
    InMemory,
    QueuedFile,
    for_account,
    on_the_wire,
)
from tests.support.queueing import at_once, now

FILE = b"Return-Path: <>\r\nSubject: pickles\r\n\r\nHow about it?\r\n"
STORED = Stored(len(FILE), 0, skip=17, prefix=b"X-Late: 1\r\n")


class QueuedFileTests(SynchronousTestCase):
    """
    Tests for ``QueuedFile`` and what is the same in memory.
    """

    def setUp(self) -> None:
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(FILE)
        self.path = path

    def opened(self, *, account: bool) -> QueuedFile:
        """
        The file.
        """
        descriptor = os.open(self.path, os.O_RDONLY)
        content = QueuedFile(STORED, descriptor, at_once, account=account)
        self.addCleanup(content.close)
        return content

    def test_every_slice_on_the_wire(self) -> None:
        """
        Any slice is that of prefix and file less its Return-Path.
        """
        self.compare(self.opened(account=False), on_the_wire(STORED, FILE))
        self.assertEqual(
            on_the_wire(STORED, FILE), b"X-Late: 1\r\n" + FILE[17:]
        )

    def test_every_slice_for_an_account(self) -> None:
        """
        Any slice is that of Return-Path, prefix and the rest.
        """
        self.compare(self.opened(account=True), for_account(STORED, FILE))
        self.assertEqual(
            for_account(STORED, FILE), FILE[:17] + b"X-Late: 1\r\n" + FILE[17:]
        )

    def compare(self, content: QueuedFile, whole: bytes) -> None:
        """
        See that slices are those of ``whole``.
        """
        verifyObject(IContent, content)
        self.assertEqual(content.size, len(whole))
        for start in range(len(whole) + 2):
            for length in (1, 5, 20, 100):
                self.assertEqual(
                    now(content.read(start, length)),
                    whole[start : start + length],
                )

    def test_closed(self) -> None:
        """
        What was closed is not read.
        """
        content = self.opened(account=False)
        content.close()
        content.close()

        with self.assertRaises(StoreUnavailable):
            now(content.read(0, 1))

    def test_in_memory(self) -> None:
        """
        Octets in memory are content too.
        """
        content = InMemory(FILE)

        verifyObject(IContent, content)
        self.assertEqual(now(content.read(5, 7)), FILE[5:12])


class QueuedContentTests(SynchronousTestCase):
    """
    Tests for ``QueuedContent``.
    """

    def setUp(self) -> None:
        self.folder = self.mktemp()
        os.mkdir(self.folder)
        self.disk = Disk()
        self.works: list[Callable[[], object]] = []
        self.content = self.new(at_once)

    def new(self, in_pool: object) -> QueuedContent:
        """
        A place for content.
        """
        return QueuedContent(lambda: self.disk.create(self.folder), in_pool)

    def later(self, work: Callable[[], object]) -> Deferred[object]:
        """
        A pool that waits for ``work``.
        """
        done: Deferred[object] = Deferred()
        self.works.append(lambda: at_once(work).chainDeferred(done))
        return done

    def test_written_and_read(self) -> None:
        """
        What is written can be read, from memory or the file, in any piece.
        """
        verifyObject(IIncoming, self.content)
        self.assertIsNone(self.content.write(FILE))
        self.assertIsNotNone(self.content.write(b"x" * 300_000))
        reader = self.content.content()

        self.assertEqual(reader.size, len(FILE) + 300_000)
        self.assertEqual(now(reader.read(0, 20)), FILE[:20])
        self.assertEqual(now(reader.read(reader.size - 3, 9)), b"xxx")

    def test_discarded(self) -> None:
        """
        Nothing is left, and nothing read.
        """
        self.content.write(b"x" * 300_000)
        reader = self.content.content()
        self.content.discard()
        self.content.discard()

        self.assertEqual(os.listdir(self.folder), [])
        self.failureResultOf(
            Deferred.fromCoroutine(reader.read(0, 1)), StoreUnavailable
        )

    def test_discarded_under_a_thread(self) -> None:
        """
        The file goes only when the thread is done with it.
        """
        content = self.new(self.later)
        waiting = content.write(b"x" * 300_000)
        waiting.cancel()
        self.failureResultOf(waiting)
        content.discard()
        self.works.pop()()

        self.assertIsNone(content._file)

    def test_large(self) -> None:
        """
        Much is written out while it comes, and is whole at the end.
        """
        for _ in range(40):
            self.successResultOf(self.content.write(b"y" * 256 * 1024))
        file, _ = now(self.content.whole())

        self.assertEqual(file.size, 40 * 256 * 1024)
        self.content.release()
