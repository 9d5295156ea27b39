"""
Tests for ``mailsuite.disk``, on a real file system.
"""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from threading import Barrier, Event, Thread
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from mailsuite import disk as module
from mailsuite import disksync
from mailsuite.disk import Disk, as_mail_error
from mailsuite.disksteps import (
    Committed,
    Created,
    FileSynced,
    FolderMade,
    FolderSynced,
    Linked,
    Renamed,
    Step,
    Timed,
    Unlinked,
    Written,
)
from mailsuite.errors import StoreFull, StoreUnavailable


def _failing(code: int) -> Callable[..., Any]:
    def fail(*arguments: object, **named: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


class _DiskTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.steps: list[Step] = []
        self.disk = Disk(self.steps.append)
        self.addCleanup(self.disk.close)
        self.folder = os.path.abspath(self.mktemp())
        os.mkdir(self.folder)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def content(self, name: str) -> bytes:
        with open(self.path(name), "rb") as file:
            return file.read()

    def without_nameless_files(self) -> None:
        def refuse(path: str, flags: int, mode: int = 0o777) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "no O_TMPFILE here")
            return original(path, flags, mode)

        original = os.open
        self.patch(module.os, "open", refuse)


class CreateTests(_DiskTestCase):
    """
    Tests for ``Disk.create`` and ``Disk.link``.
    """

    def test_linked_file_has_all(self) -> None:
        """
        A linked file has what was written, its time, and the owner's mode.
        """
        with self.disk.create(self.folder) as file:
            file.write(b"one\r\n")
            file.write(b"two\r\n")
            file.set_time(1_000_000_000.5)
            self.disk.sync(files=[file])
            self.disk.link(file, self.path("a"))

        status = os.stat(self.path("a"))
        self.assertEqual(self.content("a"), b"one\r\ntwo\r\n")
        self.assertEqual(status.st_mtime, 1_000_000_000.5)
        self.assertEqual(status.st_mode & 0o777, 0o600)

    def test_nothing_is_left_of_a_file_without_a_name(self) -> None:
        """
        A file that was not linked is gone when it is closed.
        """
        with self.disk.create(self.folder) as file:
            file.write(b"x")

        self.assertEqual(os.listdir(self.folder), [])

    def test_taken_name_is_not_overwritten(self) -> None:
        """
        Linking to a taken name fails and leaves what is there.
        """
        with self.disk.create(self.folder) as first:
            first.write(b"first")
            self.disk.link(first, self.path("a"))

        with self.disk.create(self.folder) as second:
            second.write(b"second")
            self.assertRaises(
                FileExistsError, self.disk.link, second, self.path("a")
            )
        self.assertEqual(self.content("a"), b"first")

    def test_several_names(self) -> None:
        """
        A file may be linked to several names, before and after it is closed.
        """
        with self.disk.create(self.folder) as file:
            self.disk.link(file, self.path("a"))
            self.disk.link(file, self.path("b"))
        self.disk.hard_link(self.path("b"), self.path("c"))

        self.assertEqual(sorted(os.listdir(self.folder)), ["a", "b", "c"])
        self.assertEqual(os.stat(self.path("a")).st_nlink, 3)

    def test_without_nameless_files(self) -> None:
        """
        Where the file system has no O_TMPFILE, a temporary name does, and is
        gone when the file is closed.
        """
        self.without_nameless_files()

        with self.disk.create(self.folder) as file:
            file.write(b"x")
            self.disk.sync(files=[file])
            self.disk.link(file, self.path("a"))
            self.assertEqual(len(os.listdir(self.folder)), 2)

        self.assertEqual(os.listdir(self.folder), ["a"])
        self.assertEqual(self.content("a"), b"x")

    def test_named_at_once(self) -> None:
        """
        ``create_named`` never takes a file that is there.
        """
        self.disk.create_named(self.path("a")).close()

        self.assertRaises(
            FileExistsError, self.disk.create_named, self.path("a")
        )


class WriteTests(_DiskTestCase):
    """
    Tests for writing, and for writes that fail half-way.
    """

    def test_short_writes_are_continued(self) -> None:
        """
        A write that the system cuts short is gone on with.
        """
        write = os.write
        self.patch(module.os, "write", lambda fd, octets: write(fd, octets[:3]))

        with self.disk.create(self.folder) as file:
            file.write(b"0123456789")
            self.disk.link(file, self.path("a"))

        self.assertEqual(self.content("a"), b"0123456789")

    def test_failed_write_is_taken_back(self) -> None:
        """
        A write that fails half-way leaves the file as it was, and what comes
        next follows that.
        """
        self.disk.replace(self.path("list"), b"1 :a\n")
        write, pieces = os.write, iter([3])

        def fill_up(descriptor: int, octets: bytes) -> int:
            for most in pieces:
                return write(descriptor, octets[:most])
            raise OSError(errno.ENOSPC, "full")

        self.patch(module.os, "write", fill_up)
        self.assertRaises(
            OSError, self.disk.append, self.path("list"), b"2 :b\n"
        )
        self.patch(module.os, "write", write)
        self.disk.append(self.path("list"), b"3 :c\n")

        self.assertEqual(self.content("list"), b"1 :a\n3 :c\n")

    def test_append_needs_a_file(self) -> None:
        """
        Nothing is appended to a file that is not there.
        """
        self.assertRaises(
            FileNotFoundError, self.disk.append, self.path("none"), b"x"
        )

    def test_truncate(self) -> None:
        """
        What comes after the size is gone.
        """
        self.disk.replace(self.path("list"), b"12345")

        self.disk.truncate(self.path("list"), 2)

        self.assertEqual(self.content("list"), b"12")

    def test_replace(self) -> None:
        """
        The new content stands in place of the old one, and nothing else.
        """
        self.disk.replace(self.path("list"), b"old", 0o640)

        self.disk.replace(self.path("list"), b"new", 0o640)

        self.assertEqual(self.content("list"), b"new")
        self.assertEqual(os.listdir(self.folder), ["list"])
        self.assertEqual(os.stat(self.path("list")).st_mode & 0o777, 0o640)

    def test_failed_replace_leaves_the_old(self) -> None:
        """
        If the new content cannot be written, the old one stays, alone.
        """
        self.disk.replace(self.path("list"), b"old")
        self.patch(disksync.os, "fsync", _failing(errno.EIO))

        self.assertRaises(OSError, self.disk.replace, self.path("list"), b"new")

        self.assertEqual(self.content("list"), b"old")
        self.assertEqual(os.listdir(self.folder), ["list"])


class FolderTests(_DiskTestCase):
    """
    Tests for steps on folders.
    """

    def test_make_folders(self) -> None:
        """
        Missing levels are made, for the owner alone, and each parent is
        synced.
        """
        made = self.disk.make_folders(self.path("a/b"))

        self.assertTrue(made)
        self.assertFalse(self.disk.make_folders(self.path("a/b")))
        self.assertEqual(os.stat(self.path("a/b")).st_mode & 0o777, 0o700)
        self.assertEqual(
            self.steps,
            [
                FolderMade(self.path("a"), 0o700),
                FolderMade(self.path("a/b"), 0o700),
                FolderSynced(self.path("a")),
                FolderSynced(self.folder),
            ],
        )

    def test_spread_without_flags(self) -> None:
        """
        A file system that knows no flags is left as it is.
        """
        self.disk.spread("/proc/self/fd")

    def test_spread_on_ext4(self) -> None:
        """
        The folder has ext4's flag for the top of a hierarchy.
        """
        descriptor = os.open(self.folder, os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        kind = subprocess.run(
            ["stat", "-f", "-c", "%T", self.folder],
            capture_output=True,
            text=True,
            check=True,
        )
        if kind.stdout.strip() != "ext2/ext3":
            raise SkipTest(f"the file system is {kind.stdout.strip()}")

        self.disk.spread(self.folder)

        flags = fcntl.ioctl(descriptor, module._GET_FLAGS, bytes(8))
        self.assertTrue(int.from_bytes(flags, sys.byteorder) & 0x20000)

    def test_remove_folder(self) -> None:
        """
        An empty folder goes.
        """
        self.disk.make_folder(self.path("a"))

        self.disk.remove_folder(self.path("a"))

        self.assertEqual(os.listdir(self.folder), [])


class RecorderTests(_DiskTestCase):
    """
    Tests for what a recorder is told.
    """

    def test_delivery(self) -> None:
        """
        Each step is told, in order, with what is needed to make it again.
        """
        with self.disk.create(self.folder) as file:
            file.write(b"x")
            file.set_time(5)
            self.disk.sync(files=[file])
            self.disk.link(file, self.path("a"))
        self.disk.rename(self.path("a"), self.path("b"))
        self.disk.sync(folders=[self.folder, self.folder])
        self.disk.unlink(self.path("b"))
        self.disk.committed(self.path("index"))

        number = file.number
        self.assertEqual(
            self.steps,
            [
                Created(number, None, 0o600),
                Written(number, b"x"),
                Timed(number, 5_000_000_000),
                FileSynced(number),
                Linked(number, self.path("a")),
                Renamed(self.path("a"), self.path("b")),
                FolderSynced(self.folder),
                Unlinked(self.path("b")),
                Committed(self.path("index")),
            ],
        )

    def test_failed_step_is_not_told(self) -> None:
        """
        Only what happened is recorded.
        """
        self.assertRaises(OSError, self.disk.unlink, self.path("none"))

        self.assertEqual(self.steps, [])


class SyncTests(_DiskTestCase):
    """
    Tests for gathered syncs.
    """

    def setUp(self) -> None:
        super().setUp()
        self.disk = Disk()
        self.addCleanup(self.disk.close)

    def test_few_are_synced_one_by_one(self) -> None:
        """
        A folder alone costs one fsync and no syncfs.
        """
        synced: list[int] = []
        self.patch(disksync.os, "fsync", synced.append)
        self.patch(disksync, "_syncfs", _failing(errno.EIO))

        self.disk.sync(folders=[self.folder])

        self.assertEqual(len(synced), 1)

    def test_many_are_one_syncfs(self) -> None:
        """
        Many folders of one file system are synced in one go.
        """
        self.patch(disksync, "_syncfs_tells", lambda descriptor: True)
        synced: list[int] = []
        self.patch(disksync, "_syncfs", synced.append)
        self.patch(disksync.os, "fsync", _failing(errno.EIO))
        folders = [self.path(str(number)) for number in range(10)]
        for folder in folders:
            os.mkdir(folder)

        self.disk.sync(folders=folders)

        self.assertEqual(len(synced), 1)

    def test_syncfs_alone_where_it_tells_of_errors(self) -> None:
        """
        On another file system many folders are synced one by one.
        """
        self.patch(disksync, "_syncfs_tells", lambda descriptor: False)
        synced: list[int] = []
        self.patch(disksync.os, "fsync", synced.append)
        folders = [self.path(str(number)) for number in range(10)]
        for folder in folders:
            os.mkdir(folder)

        self.disk.sync(folders=folders)

        self.assertEqual(len(synced), 10)

    def test_real_syncfs(self) -> None:
        """
        The system's syncfs takes our descriptor and refuses a wrong one.
        """
        descriptor = os.open(self.folder, os.O_RDONLY)
        disksync._syncfs(descriptor)
        os.close(descriptor)

        error = self.assertRaises(OSError, disksync._syncfs, descriptor)
        self.assertEqual(error.errno, errno.EBADF)

    def test_failure_of_a_missing_folder_is_its_own(self) -> None:
        """
        A folder that is not there is told to who asked.
        """
        self.assertRaises(
            FileNotFoundError, self.disk.sync, folders=[self.path("none")]
        )

    def _wait_for_one_round(self, crowd: int) -> tuple[list[int], list[str]]:
        """
        Sync from a crowd of threads while a first round hangs.

        :return: the sizes of the rounds, and how each of the crowd fared.
        """
        file_system = disksync.FileSystem(self.folder)
        self.addCleanup(os.close, file_system.descriptor)
        rounds: list[int] = []
        fared: list[str] = []
        entered, leave = Event(), Event()

        def make_durable(wanted: list[disksync.Wanted]) -> None:
            rounds.append(len(wanted))
            if len(rounds) == 1:
                entered.set()
                leave.wait(10)
            else:
                raise OSError(errno.EIO, "gone")

        def take_part() -> None:
            try:
                file_system.sync([disksync.Wanted(0, False)])
            except OSError:
                fared.append("failed")
            else:
                fared.append("durable")

        self.patch(file_system, "_make_durable", make_durable)
        first = Thread(target=take_part)
        first.start()
        entered.wait(10)
        start = Barrier(crowd + 1)
        others = [
            Thread(target=lambda: (start.wait(), take_part()))
            for _ in range(crowd)
        ]
        for thread in others:
            thread.start()
        start.wait()
        while len(file_system._next.wanted) < crowd:
            pass
        leave.set()
        for thread in [first, *others]:
            thread.join(10)
        return rounds, fared

    def test_who_waits_shares_the_next_round(self) -> None:
        """
        Syncs that come while a round runs are made together in the next, and
        its failure is told to all of them; nobody tries again.
        """
        rounds, fared = self._wait_for_one_round(crowd=8)

        self.assertEqual(rounds, [1, 8])
        self.assertEqual(sorted(fared), ["durable"] + ["failed"] * 8)


class AsMailErrorTests(SynchronousTestCase):
    """
    Tests for ``as_mail_error``.
    """

    def test_full(self) -> None:
        """
        A full disk and a system quota are "full".
        """
        for code in (errno.ENOSPC, errno.EDQUOT):
            self.assertIsInstance(as_mail_error(OSError(code, "")), StoreFull)

    def test_unavailable(self) -> None:
        """
        A broken or read-only disk may be mended: temporary.
        """
        for code in (errno.EIO, errno.EROFS, errno.EMFILE):
            error = as_mail_error(OSError(code, ""))
            self.assertIsInstance(error, StoreUnavailable)
            self.assertTrue(error.temporary)
