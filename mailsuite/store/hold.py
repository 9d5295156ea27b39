"""
The lock between processes on an account's folder.

Implementation notes

- ``flock`` on a file of its own orders the steps of all processes; SQLite's
  busy timeout would let one starve.
- The file's one octet is ``1`` while a step changes files: who finds it so was
  left behind by a process that was killed, and recovers first.
- A second lock, on the folder itself, is shared by all that have the account
  open: who gets it alone knows that nobody else has.
"""

from __future__ import annotations

import fcntl
import os
import time

from mailsuite.disk import write_hint
from mailsuite.errors import StoreBusy

#: How long a step waits for other processes' steps, in seconds.
PATIENCE = 10.0


class AccountHold:
    """
    The two locks of an account's folder.
    """

    def __init__(self, home: str) -> None:
        self._folder = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._lock = os.open(
                os.path.join(home, "lane.lock"),
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
                0o600,
            )
        except OSError:
            os.close(self._folder)
            raise
        self._dirty = False

    def close(self) -> None:
        """
        Let go of both.
        """
        os.close(self._lock)
        os.close(self._folder)

    def alone(self) -> bool:
        """
        Whether nobody else has the account open.

        Called with the lane held; from here on others are told that we have.
        """
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            alone = False
        else:
            alone = True
        fcntl.flock(self._folder, fcntl.LOCK_SH)
        return alone

    def take(self) -> None:
        """
        Hold the lane.

        :raises StoreBusy: another process held it too long.
        """
        pause = 0.0005
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreBusy from None
                time.sleep(pause)
                pause = min(pause * 2, 0.02)
            else:
                return

    def give(self) -> None:
        """
        Let others hold the lane.
        """
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    @property
    def left_dirty(self) -> bool:
        """
        Whether somebody was stopped in the middle of changing files.
        """
        return os.pread(self._lock, 1, 0) == b"1"

    @property
    def dirty(self) -> bool:
        """
        Whether we said so.
        """
        return self._dirty

    def set_dirty(self) -> None:
        """
        Say that files are being changed.
        """
        if not self._dirty:
            write_hint(self._lock, b"1")
            self._dirty = True

    def set_clean(self) -> None:
        """
        Say that files are as they should be.
        """
        if self._dirty:
            write_hint(self._lock, b"0")
            self._dirty = False
