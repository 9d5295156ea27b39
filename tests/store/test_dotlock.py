"""
Tests for ``mailsuite.store.dotlock``.
"""

from __future__ import annotations

import os
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.errors import StoreBusy
from mailsuite.store.dotlock import Dotlocks


class DotlockTests(SynchronousTestCase):
    """
    Tests for ``Dotlocks`` and ``Held``.
    """

    def setUp(self) -> None:
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        folder = os.path.abspath(self.mktemp())
        os.mkdir(folder)
        self.path = os.path.join(folder, "dovecot-uidlist.lock")
        self.now = 1_000_000_000.0
        self.slept = 0.0
        self.locks = self.new_locks()

    def new_locks(self) -> Dotlocks:
        return Dotlocks(self.disk, lambda: self.now, self.sleep, "vm")

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def leave(self, content: str, age: float = 0.0) -> None:
        """
        Make a lock file as another program would.
        """
        with open(self.path, "w") as file:
            file.write(content)
        os.utime(self.path, (self.now - age, self.now - age))

    def test_content(self) -> None:
        """
        While it is held the file says who we are; then it is gone.
        """
        with self.locks.hold(self.path, 0) as held:
            held.check()
            with open(self.path) as file:
                self.assertEqual(file.read(), f"{os.getpid()}:vm")

        self.assertEqual(os.listdir(os.path.dirname(self.path)), [])

    def test_released_after_an_error(self) -> None:
        """
        An error inside does not leave the lock behind.
        """
        with (
            self.assertRaises(ZeroDivisionError),
            self.locks.hold(self.path, 0),
        ):
            raise ZeroDivisionError

        self.assertFalse(os.path.exists(self.path))

    def test_held_by_ourselves(self) -> None:
        """
        Another thread of ours waits as anybody does, so long and no longer.
        """
        with (
            self.locks.hold(self.path, 0),
            self.assertRaises(StoreBusy),
            self.locks.hold(self.path, 3.0),
        ):
            pass

        self.assertAlmostEqual(self.slept, 3.0, delta=0.1)

    def test_live_holder(self) -> None:
        """
        The lock of a process that lives is honoured, however old it is.
        """
        self.leave(f"{os.getppid()}:vm", age=9999)

        with self.assertRaises(StoreBusy), self.locks.hold(self.path, 0):
            pass

        self.assertTrue(os.path.exists(self.path))

    def test_dead_holder(self) -> None:
        """
        The lock of a process that is gone is taken over at once.
        """
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.leave(f"{gone.pid}:vm")

        with self.locks.hold(self.path, 0) as held:
            held.check()

        self.assertEqual(self.slept, 0)
        self.assertEqual(os.listdir(os.path.dirname(self.path)), [])

    def test_our_pid_of_an_earlier_life(self) -> None:
        """
        A lock with our pid that we do not hold is left from before a restart.
        """
        self.leave(f"{os.getpid()}:vm")

        with self.locks.hold(self.path, 0) as held:
            held.check()

    def test_another_host(self) -> None:
        """
        A lock of another host is honoured, until it is old.
        """
        self.leave("1:elsewhere", age=100)
        with self.assertRaises(StoreBusy), self.locks.hold(self.path, 0):
            pass

        self.leave("1:elsewhere", age=121)
        with self.locks.hold(self.path, 0) as held:
            held.check()

    def test_no_holder(self) -> None:
        """
        An empty lock, as a crash may leave it, is honoured until it is old.
        """
        self.leave("", age=100)
        with self.assertRaises(StoreBusy), self.locks.hold(self.path, 0):
            pass

        self.leave("", age=121)
        with self.locks.hold(self.path, 0) as held:
            held.check()

    def test_taken_away(self) -> None:
        """
        Whoever finds his lock taken over does not write, and leaves the new
        holder's alone.
        """
        with self.locks.hold(self.path, 0) as held:
            os.unlink(self.path)
            self.leave("1:elsewhere")
            self.assertRaises(StoreBusy, held.check)

        self.assertTrue(os.path.exists(self.path))

    def test_removed(self) -> None:
        """
        A lock that somebody removed is no longer ours.
        """
        with self.locks.hold(self.path, 0) as held:
            os.unlink(self.path)
            self.assertRaises(StoreBusy, held.check)

    def test_stale_lock_that_was_replaced(self) -> None:
        """
        If another is quicker to replace a stale lock, his is put back.
        """
        self.leave("1:elsewhere", age=121)
        quicker = self.new_locks()
        is_stale = self.locks._is_stale

        def look_too_long(path: str, holder: bytes, touched: float) -> bool:
            stale = is_stale(path, holder, touched)
            if stale:
                os.unlink(self.path)
                self.leave(f"{os.getppid()}:vm")
            return stale

        self.patch(self.locks, "_is_stale", look_too_long)
        with self.assertRaises(StoreBusy), self.locks.hold(self.path, 0):
            pass

        with self.assertRaises(StoreBusy), quicker.hold(self.path, 0):
            pass
        self.assertEqual(len(os.listdir(os.path.dirname(self.path))), 1)
