"""
Tests for deliveries that are made together.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk, File
from mailsuite.errors import StoreUnavailable
from mailsuite.store.committer import Committer, NoMaildir, Placed
from mailsuite.store.incoming import Incoming
from mailsuite.store.maildir import Names
from mailsuite.store.pool import Pool


class CountingDisk(Disk):
    """
    A disk that counts its syncs, and on which links may be impossible.
    """

    syncs = 0
    link_error: int | None = None
    sync_error: int | None = None

    def sync(
        self,
        files: Iterable[File] = (),
        folders: Iterable[str] = (),
        *,
        data_only: bool = False,
    ) -> None:
        self.syncs += 1
        if self.sync_error is not None:
            raise OSError(self.sync_error, "sync")
        super().sync(files, folders, data_only=data_only)

    def link(self, file: File, path: str) -> None:
        if self.link_error is not None:
            code, self.link_error = self.link_error, None
            raise OSError(code, "link")
        super().link(file, path)


class CommitterTests(SynchronousTestCase):
    """
    Tests for ``Committer``, whose thread is waited for.
    """

    def setUp(self) -> None:
        self.folder = os.path.abspath(self.mktemp())
        self.disk = CountingDisk()
        self.posted: list[Callable[[], None]] = []
        self.committer = Committer(
            self.disk, Names(time.time), self.posted.append
        )
        self.pool = Pool("test", 1, lambda wake: None)

    def maildir(self, name: str) -> str:
        """
        A maildir of that name.
        """
        path = f"{self.folder}/{name}"
        for place in ("new", "cur", "tmp"):
            os.makedirs(f"{path}/{place}")
        return path

    def incoming(self, octets: bytes) -> Incoming:
        """
        Content that has come in.
        """
        incoming = Incoming(self.disk, self.pool, self.folder, None)
        incoming.write(octets)
        return incoming

    def deliver(self, *maildirs: str) -> Deferred[list[Placed]]:
        """
        Deliver a message, once the thread runs.
        """
        return self.committer.deliver(self.incoming(b"octets"), maildirs)

    def finish(self) -> None:
        """
        On return all is delivered and told.
        """
        self.committer.stop()
        for tell in self.posted:
            tell()

    def contents(self, maildir: str) -> list[bytes]:
        """
        The messages in ``new``.
        """
        octets = []
        for entry in os.scandir(f"{maildir}/new"):
            with open(entry.path, "rb") as file:
                octets.append(file.read())
        return octets

    def test_content_and_name(self) -> None:
        """
        A message is in ``new`` under the name that is told, with its size.
        """
        maildir = self.maildir("alice")

        done = self.deliver(maildir)
        self.finish()

        [base] = self.successResultOf(done)
        self.assertEqual(os.listdir(f"{maildir}/new"), [base])
        self.assertEqual(self.contents(maildir), [b"octets"])
        self.assertTrue(str(base).endswith(",S=6"))
        self.assertEqual(os.listdir(f"{maildir}/tmp"), [])

    def test_all_that_waits_is_synced_once(self) -> None:
        """
        What came before the thread looked is one sync and one waking.
        """
        maildirs = [self.maildir(name) for name in ("alice", "bob", "carol")]

        batch, going_on = [], True
        dones = []
        self.patch(self.committer, "_thread", object())
        for maildir in maildirs:
            dones.append(self.deliver(maildir))
        batch, going_on = self.committer._take()
        self.committer._commit(batch)
        for tell in self.posted:
            tell()

        self.assertTrue(going_on)
        self.assertEqual(self.disk.syncs, 1)
        self.assertEqual(len(self.posted), 1)
        for done in dones:
            self.assertEqual(len(self.successResultOf(done)), 1)
        self.committer._thread = None

    def test_no_maildir(self) -> None:
        """
        A maildir that is not there is told as such; the others have it.
        """
        maildir = self.maildir("alice")

        done = self.deliver(f"{self.folder}/nobody", maildir)
        self.finish()

        missing, base = self.successResultOf(done)
        self.assertIsInstance(missing, NoMaildir)
        self.assertEqual(os.listdir(f"{maildir}/new"), [base])

    def test_copied_where_links_end(self) -> None:
        """
        Across file systems, and beyond the most links, a message is copied.
        """
        for code in (errno.EXDEV, errno.EMLINK):
            maildir = self.maildir(errno.errorcode[code])
            self.disk.link_error = code

            done = self.deliver(maildir)
            self.finish()

            self.assertEqual(len(self.successResultOf(done)), 1)
            self.assertEqual(self.contents(maildir), [b"octets"])
            self.posted.clear()

    def test_a_name_that_is_taken(self) -> None:
        """
        A base name that somebody has already is not taken from him.
        """
        maildir = self.maildir("alice")
        self.disk.link_error = errno.EEXIST

        done = self.deliver(maildir)
        self.finish()

        self.assertEqual(self.contents(maildir), [b"octets"])
        self.assertEqual(len(self.successResultOf(done)), 1)

    def test_taken_back_after_a_failed_sync(self) -> None:
        """
        Where the sync fails nobody has the message, and it is not synced
        again.
        """
        alice, bob = self.maildir("alice"), self.maildir("bob")
        self.disk.sync_error = errno.EIO

        done = self.deliver(alice, bob)
        self.finish()

        for error in self.successResultOf(done):
            self.assertIsInstance(error, StoreUnavailable)
        self.assertEqual(self.contents(alice) + self.contents(bob), [])
        self.assertEqual(self.disk.syncs, 1)
