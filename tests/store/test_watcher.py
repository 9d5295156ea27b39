"""
Tests for ``mailsuite.store.watcher`` and ``mailsuite.store.inotify``.
"""

from __future__ import annotations

import os
import struct
from typing import Any
from unittest.mock import patch

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from mailsuite.store.inotify import FolderNews
from mailsuite.store.watcher import Watcher


class WatcherTests(TestCase):
    """
    Tests for ``Watcher``, with the real reactor and the real kernel.
    """

    def setUp(self) -> None:
        self.watcher = Watcher(reactor)
        self.addCleanup(self.stop)
        self.calls: list[str] = []
        self.waiting: list[Deferred[None]] = []
        self.log = EventLoggingObserver()
        globalLogPublisher.addObserver(self.log)
        self.addCleanup(globalLogPublisher.removeObserver, self.log)

    async def stop(self) -> None:
        self.watcher.stop()
        await deferLater(reactor, 0)

    def mailbox(self) -> str:
        """
        A maildir with nothing in it.
        """
        folder = self.mktemp()
        for name in ("new", "cur", "tmp"):
            os.makedirs(os.path.join(folder, name))
        return folder

    def watch(self, folder: str, name: str = "called") -> Any:
        """
        Watch a maildir, and note each call.
        """

        def called() -> None:
            self.calls.append(name)
            while self.waiting:
                self.waiting.pop().callback(None)

        return self.watcher.watch(folder, called)

    async def called(self) -> None:
        """
        Wait for the next call.
        """
        call: Deferred[None] = Deferred()
        self.waiting.append(call)
        await call.addTimeout(5, reactor)

    async def quiet(self) -> None:
        """
        Wait for longer than changes are gathered.
        """
        await deferLater(reactor, 0.1)

    def warnings(self) -> list[str]:
        """
        What the watcher said.
        """
        return [
            event["log_format"]
            for event in self.log
            if event["log_namespace"].startswith("mailsuite.store.watcher")
        ]

    async def test_new_message(self) -> None:
        """
        A file that comes into new is told.
        """
        folder = self.mailbox()
        self.watch(folder)

        make(folder, "new", "1")

        await self.called()

    async def test_flag(self) -> None:
        """
        A file in cur that gets another name is told.
        """
        folder = self.mailbox()
        make(folder, "cur", "1:2,")
        self.watch(folder)

        os.rename(f"{folder}/cur/1:2,", f"{folder}/cur/1:2,S")

        await self.called()

    async def test_removal(self) -> None:
        """
        A file that goes is told.
        """
        folder = self.mailbox()
        make(folder, "cur", "1:2,")
        self.watch(folder)

        os.unlink(f"{folder}/cur/1:2,")

        await self.called()

    async def test_tmp_is_nobodys_business(self) -> None:
        """
        What is being written in tmp is not told.
        """
        folder = self.mailbox()
        self.watch(folder)

        make(folder, "tmp", "1")
        await self.quiet()

        self.assertEqual(self.calls, [])

    async def test_many_changes_are_one_call(self) -> None:
        """
        A hundred files that come at once are one call.
        """
        folder = self.mailbox()
        self.watch(folder)

        for number in range(100):
            make(folder, "new", str(number))
        await self.quiet()

        self.assertEqual(self.calls, ["called"])

    async def test_mailboxes_are_told_apart(self) -> None:
        """
        Only who watches the changed mailbox is called; all of these are.
        """
        one, other = self.mailbox(), self.mailbox()
        self.watch(one, "a")
        self.watch(one, "b")
        self.watch(other, "c")

        make(one, "new", "1")
        await self.quiet()

        self.assertEqual(sorted(self.calls), ["a", "b"])

    async def test_unwatch(self) -> None:
        """
        Who watches no longer is not called; others are.
        """
        folder = self.mailbox()
        unwatch = self.watch(folder, "a")
        self.watch(folder, "b")
        unwatch()
        unwatch()

        make(folder, "new", "1")
        await self.quiet()

        self.assertEqual(self.calls, ["b"])

    async def test_unwatch_while_a_call_is_due(self) -> None:
        """
        Not even a change from before is told after the end.
        """
        folder = self.mailbox()
        unwatch = self.watch(folder)
        make(folder, "new", "1")
        await deferLater(reactor, 0.005)
        unwatch()
        await self.quiet()

        self.assertEqual(self.calls, [])

    async def test_removed_folder(self) -> None:
        """
        A removed mailbox is told, and the others are watched as before.
        """
        gone, other = self.mailbox(), self.mailbox()
        unwatch = self.watch(gone, "gone")
        self.watch(other, "other")
        for name in ("new", "cur"):
            os.rmdir(os.path.join(gone, name))
        await self.quiet()
        self.assertEqual(self.calls, ["gone"])
        unwatch()

        make(other, "new", "1")
        await self.quiet()

        self.assertEqual(self.calls, ["gone", "other"])

    async def test_renamed_folder(self) -> None:
        """
        A renamed mailbox is watched as before; a new one of the old name is
        another.
        """
        folder = self.mailbox()
        self.watch(folder, "old")
        os.rename(folder, folder + ".renamed")
        for name in ("new", "cur"):
            os.makedirs(os.path.join(folder, name))
        self.watch(folder, "another")

        make(folder + ".renamed", "new", "1")
        await self.quiet()
        make(folder, "new", "1")
        await self.quiet()

        self.assertEqual(self.calls, ["old", "another"])

    async def test_overflow(self) -> None:
        """
        When the kernel lost news everybody looks.
        """
        self.watch(self.mailbox(), "a")
        self.watch(self.mailbox(), "b")
        news = self.watcher._news
        assert news is not None

        news._tell(struct.pack("=iIII", -1, 0x4000, 0, 0))
        await self.quiet()

        self.assertEqual(sorted(self.calls), ["a", "b"])
        self.assertEqual(len(self.warnings()), 1)

    async def test_missing_folder(self) -> None:
        """
        A mailbox that is not there is watched in vain, without a word.
        """
        unwatch = self.watch(self.mktemp())
        unwatch()

        self.assertEqual(self.warnings(), [])

    async def test_limit_of_watches(self) -> None:
        """
        Beyond the system's limit nothing is watched, and that is told once.
        """
        folder = self.mailbox()
        with patch.object(
            FolderNews, "watch", side_effect=OSError(28, "No space left")
        ):
            for _ in range(3):
                self.watch(folder)()

        self.assertEqual(len(self.warnings()), 1)

    async def test_no_inotify(self) -> None:
        """
        Where the system gives no instance nothing is watched.
        """
        with patch.object(
            FolderNews, "_call", side_effect=OSError(24, "Too many open files")
        ):
            unwatch = self.watch(self.mailbox())
        unwatch()

        self.assertEqual(len(self.warnings()), 1)

    async def test_bug_in_a_callback(self) -> None:
        """
        One who raises does not keep the others from hearing.
        """
        folder = self.mailbox()
        self.watcher.watch(folder, lambda: 1 // 0)  # type: ignore[arg-type]
        self.watch(folder)

        make(folder, "new", "1")
        await self.called()
        await self.quiet()

        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_stop(self) -> None:
        """
        After the stop nothing is told, and the reactor is left alone.
        """
        folder = self.mailbox()
        self.watch(folder)
        news = self.watcher._news
        assert news is not None
        make(folder, "new", "1")
        self.watcher.stop()
        await self.quiet()

        self.assertEqual(self.calls, [])
        self.assertNotIn(news, reactor.getReaders())


def make(folder: str, *names: str) -> None:
    """
    Make an empty file.
    """
    with open(os.path.join(folder, *names), "xb"):
        pass
