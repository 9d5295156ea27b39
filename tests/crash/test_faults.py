"""
Every step on the disk that may fail, failing, under every kind of step.

The client is told that it failed, and then nothing was kept where that is
promised; or it succeeded all the same.  The store goes on without a restart.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable

from mailsuite import disk as disk_module
from mailsuite.disk import Disk, File
from mailsuite.errors import MailError, StoreFull, StoreUnavailable
from tests.crash import steps
from tests.crash.promises import bad_uidlists, broken_promises, reused_uids
from tests.crash.replay import forget
from tests.crash.replaying import Path, StepTestCase
from tests.crash.running import Running, View, view


class FailingDisk(Disk):
    """
    A disk one of whose steps fails.

    :ivar left: how many steps are made before that one; none fails if it is
        negative.
    :ivar code: what the system says.
    """

    def __init__(self) -> None:
        super().__init__()
        self.left = -1
        self.code = errno.EIO
        self.failed = False

    def _may_fail(self) -> None:
        if self.left == 0:
            self.failed = True
            self.left = -1
            raise OSError(self.code, os.strerror(self.code))
        self.left = max(self.left - 1, -1)

    def sync(
        self,
        files: Iterable[File] = (),
        folders: Iterable[str] = (),
        *,
        data_only: bool = False,
    ) -> None:
        self._may_fail()
        super().sync(files, folders, data_only=data_only)

    def link(self, file: File, path: str) -> None:
        self._may_fail()
        super().link(file, path)

    def hard_link(self, source: str, path: str) -> None:
        self._may_fail()
        super().hard_link(source, path)

    def rename(self, old: str, new: str) -> None:
        self._may_fail()
        super().rename(old, new)

    def make_folder(self, path: str, mode: int = 0o700) -> None:
        self._may_fail()
        super().make_folder(path, mode)

    def write(self, descriptor: int, octets: bytes) -> int:
        """
        As ``os.write``.
        """
        self._may_fail()
        return os_write(descriptor, octets)


os_write = os.write


class FaultsTests(StepTestCase):
    """
    One test for each kind of step.
    """

    def fails(self, path: Path, *, nothing_kept: bool) -> None:
        """
        Make a step again and again, each time with another step of the disk
        failing, until all have.

        :param nothing_kept: a failure promises that all is as before.
        """
        before = self.base(path)
        for code in (errno.EIO, errno.ENOSPC):
            count = 0
            while self._has_failed(path, before, count, code, nothing_kept):
                count += 1
            self.assertGreater(count, 0)

    def _has_failed(
        self,
        path: Path,
        before: View,
        count: int,
        code: int,
        nothing_kept: bool,
    ) -> bool:
        """
        Make the step with one failure.

        :return: whether there were as many steps that the failure came.
        """
        numbers = range(1, path.accounts + 1)
        root = f"{self.root}/failing"
        shutil.copytree(f"{self.root}/base", root)
        disk = FailingDisk()
        running = Running(root, disk=disk)
        # Opened in order: the failure is to hit the step.
        running.wait(view(running, numbers))
        self.patch(disk_module.os, "write", disk.write)
        disk.left, disk.code = count, code
        why: MailError | None = None
        after = before
        try:
            after = running.wait(path.operate(running, before))
        except MailError as error:
            why = error
        disk.left = -1
        self.patch(disk_module.os, "write", os_write)
        found = running.wait(view(running, numbers))
        where = f"{path.name}, failure {count}"
        if why is None or nothing_kept:
            problems = broken_promises(
                found, after, after, answered=True, together=False
            )
            self.assertEqual(problems, [], where)
        if why is not None:
            expected = StoreFull if code == errno.ENOSPC else StoreUnavailable
            self.assertIsInstance(why, expected, where)
        told = [before, after, found]
        self.assertEqual(running.wait(reused_uids(running, told)), [], where)
        seen = running.wait(view(running, numbers))
        self.assertEqual(bad_uidlists(root), [], where)
        running.close()
        again = Running(root)
        self.assertEqual(again.wait(view(again, numbers)), seen, where)
        again.close()
        forget(root)
        return disk.failed

    def test_delivery(self) -> None:
        """
        A delivery that fails has left nothing.
        """
        self.fails(steps.DELIVERY, nothing_kept=True)

    def test_append(self) -> None:
        """
        An APPEND that fails has left nothing.
        """
        self.fails(steps.APPEND, nothing_kept=True)

    def test_copy(self) -> None:
        """
        A COPY that fails has left nothing.
        """
        self.fails(steps.COPY, nothing_kept=True)

    def test_flags(self) -> None:
        """
        A change of flags that fails may be made in part.
        """
        self.fails(steps.FLAGS, nothing_kept=False)

    def test_expunge(self) -> None:
        """
        An EXPUNGE that fails may be made in part.
        """
        self.fails(steps.EXPUNGE, nothing_kept=False)

    def test_move(self) -> None:
        """
        A MOVE that fails may be made in part.
        """
        self.fails(steps.MOVE, nothing_kept=False)

    def test_rename(self) -> None:
        """
        A RENAME that fails may be made.
        """
        self.fails(steps.RENAME, nothing_kept=False)

    def test_create(self) -> None:
        """
        A CREATE that fails may be made.
        """
        self.fails(steps.CREATE, nothing_kept=False)

    def test_delete(self) -> None:
        """
        A DELETE that fails may be made.
        """
        self.fails(steps.DELETE, nothing_kept=False)
